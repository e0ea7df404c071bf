# shellcheck shell=bash disable=SC2034,SC2154 # variables of commands.sh
# Secrets: what is stored, what the smoke test says of what is there, and that nobody is shown any.

stored() {
  python3 - "$CALLS.input" "$1" << 'PYTHON' || wrong "it does not store $1"
import json, sys
sys.exit(json.load(open(sys.argv[1])) != json.loads(sys.argv[2]))
PYTHON
  # Encrypted with the environment's key, in place of the one before, and by a pipe.
  grep -q "put-parameter .*--type SecureString --overwrite --key-id $environment_key --value file:///dev/stdin$" "$CALLS" || wrong "it stores in another way"
}

environment_key=arn:aws:kms:eu-west-2:123456789012:key/of-dev
answers aws-describe-key "$environment_key"
secret=(ENV=dev infra/bin/secret.sh)
expect "no secret given" 2 "no secret was given; nothing was changed" "${secret[@]}"
not_asked put-parameter
answers aws-get-parameter '["one-before","two-before"]'
while read -r placeholder; do
  input=$placeholder
  expect "the placeholder $placeholder" 2 "this is a placeholder; nothing was changed" "${secret[@]}"
  input=${placeholder^^}
  expect "the placeholder $placeholder in capitals" 2 "this is a placeholder; nothing was changed" "${secret[@]}"
  not_asked put-parameter
done < shared/terra/src/placeholders.txt
input='a "true" secret'
expect "a secret" 0 "Stored in /terrace-dev/signing-secrets" "${secret[@]}"
stored '["a \"true\" secret", "one-before"]'
hid "true"
hid "one-before"
input=one-before
expect "the same secret again" 0 "Stored in" "${secret[@]}"
stored '["one-before", "two-before"]'
answers aws-get-parameter '["changeme", ""]'
input=a-true-one
expect "a secret in front of a placeholder" 0 "Stored in" "${secret[@]}"
stored '["a-true-one"]'
answers aws-get-parameter 'not-a-list'
expect "a secret in place of what is no list" 0 "What was there is no list of secrets, and goes" "${secret[@]}"
stored '["a-true-one"]'
hid "not-a-list"
echo "An error occurred (ParameterNotFound)" > "$ANSWERS/aws-get-parameter.fails"
expect "no parameter" 2 "the parameter /terrace-dev/signing-secrets is not there: make deploy ENV=dev makes it" "${secret[@]}"
echo "Unable to locate credentials" > "$ANSWERS/aws-get-parameter.fails"
expect "no credentials" 2 "could not be read: Unable to locate credentials" "${secret[@]}"
not_asked put-parameter
answers aws-get-parameter '[]'
echo "AccessDenied" > "$ANSWERS/aws-put-parameter.fails"
expect "a secret that is not taken" 2 "nothing was stored" "${secret[@]}"
answers aws-put-parameter
echo "NotFoundException" > "$ANSWERS/aws-describe-key.fails"
expect "no key of the environment's" 2 "the key alias/terrace-dev was not found: make deploy ENV=dev makes it" "${secret[@]}"
not_asked put-parameter
answers aws-describe-key "$environment_key"

key=(ENV=dev infra/bin/terra-key.sh)
expect "a key where nobody asks Terra" 2 "say terra_api = true in environments/dev.tfvars" "${key[@]}"
settings 'terra_api = true'
input=$'dev-id-1\nthe-api-key'
expect "a key" 0 "Stored in /terrace-dev/terra-api" "${key[@]}"
stored '{"dev_id": "dev-id-1", "api_key": "the-api-key"}'
hid "the-api-key"
input='dev-id-1'
expect "an id without a key" 2 "a developer id and an API key are needed; nothing was changed" "${key[@]}"
input=$'dev-id-1\nkey kéy'
expect "a key that no header carries" 2 "no header carries that" "${key[@]}"
not_asked put-parameter
settings
input=

smoke=(ENV=dev infra/bin/smoke.sh)
expect "smoke of nothing" 2 "there is nothing to ask in dev yet: make deploy ENV=dev" "${smoke[@]}"
answers terraform-secrets_parameter '"/terrace-dev/signing-secrets"'
answers terraform-api_url '"https://api.example.com"'
refused="The webhook refuses to start with what is in /terrace-dev/signing-secrets. Copy the secret from the Terra dashboard: make secret ENV=dev"
while IFS='|' read -r value why; do
  answers aws-get-parameter "$value"
  expect "smoke with $value" 2 "$refused" "${smoke[@]}"
  grep -qF "$why" "$copy/said" || wrong "it does not say: $why"
  not_asked cargo
done << 'CASES'
[]|no signing secret is set
|what it holds is not a JSON array of secrets
a-raw-secret|what it holds is not a JSON array of secrets
["true-one", ""]|it holds an empty secret
["Changeme"]|it holds a placeholder that everybody knows
["true-one", "local-development-secret"]|it holds a placeholder that everybody knows
CASES
answers aws-get-parameter '["a-true-secret"]'
expect "smoke" 0 "Terra may be pointed at https://api.example.com/webhook" "${smoke[@]}"
hid a-true-secret
echo "HTTP 500" > "$ANSWERS/cargo-simulate.fails"
answers aws-filter-log-events '{"level":"error","doing":"start the webhook","error":"the table is not there"}'
expect "smoke of a webhook that does not start" 2 "the delivery was not taken" "${smoke[@]}"
grep -qF "the table is not there" "$copy/said" || wrong "it does not show what the webhook said"
hid a-true-secret
