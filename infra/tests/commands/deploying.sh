# shellcheck shell=bash disable=SC2016,SC2034,SC2154 # a dollar is meant as it stands; the rest is of commands.sh
# Bundles, deploying, shipping, rolling back, destroying.

run="run 'make build ARCHITECTURE=arm64' first"
expect "deploy without bundles" 2 "there is no bundle at target/lambda/webhook/bootstrap.zip: $run" ENV=dev infra/bin/deploy.sh
not_asked terraform
for function in webhook worker query; do bundle "$function" 183; done
bundle worker 62
expect "deploy of one bundle for another architecture" 2 "worker/bootstrap.zip is built for x86_64, and the environment runs arm64" \
  ENV=dev infra/bin/deploy.sh
grep -qF "$run" "$copy/said" || wrong "it does not say what to run"
not_asked terraform
settings 'architecture = "x86_64"'
expect "deploy of the others for another architecture" 2 "webhook/bootstrap.zip is built for arm64, and the environment runs x86_64" \
  ENV=dev infra/bin/deploy.sh
settings
bundle worker 3
expect "deploy for no machine of Lambda's" 2 "is built for no machine of Lambda's" ENV=dev infra/bin/deploy.sh
: > target/lambda/worker/bootstrap.zip
expect "deploy of what is no zip" 2 "is no zip with a bootstrap in it" ENV=dev infra/bin/deploy.sh
bundle worker 183

functions_as_applied='{"webhook":{"name":"terrace-dev-webhook","alias":"live","version":"5"},"query":{"name":"terrace-dev-query","alias":"live","version":"4"}}'
change='{"resource_changes":[{"type":"aws_lambda_function","change":{"actions":["update"],"after":{"function_name":"terrace-dev-webhook"}}},{"type":"aws_lambda_function","change":{"actions":["no-op"],"after":{"function_name":"terrace-dev-query"}}}]}'
answers terraform-show "$change"
answers terraform-functions "$functions_as_applied"
answers terraform-secrets_parameter '"/terrace-dev/signing-secrets"'
answers terraform-api_url '"https://api.example.com"'
answers aws-get-alias 3
answers cargo-locate-project "$copy/Cargo.toml"
answers aws-get-parameter '["a-true-secret"]'
input=no
expect "deploy that nobody confirms" 2 "nothing was applied" ENV=dev infra/bin/deploy.sh
not_asked " apply "
input=
expect "deploy with nobody to ask" 2 "nothing was applied" ENV=dev infra/bin/deploy.sh
not_asked " apply "
touch infra/dev.tfplan
expect "deploy" 0 "Terra may be pointed at https://api.example.com/webhook" ENV=dev YES=1 infra/bin/deploy.sh
asked "update-alias --region eu-west-2 --function-name terrace-dev-webhook --name live --function-version 5"
not_asked "update-alias --region eu-west-2 --function-name terrace-dev-query"
grep -qF "terrace-dev-query: live stays at version 3; the newest is 4: make rollback ENV=dev FUNCTION=query VERSION=4" "$copy/said" ||
  wrong "it hides that an alias is not at the newest version"
[ ! -e infra/dev.tfplan ] || wrong "the plan stays behind"
answers aws-get-parameter '[]'
expect "the first deploy" 2 "make secret ENV=dev" ENV=dev YES=1 infra/bin/deploy.sh
answers terraform-apply; echo "no" > "$ANSWERS/terraform-apply.fails"
expect "deploy that fails half-way" 1 "no" ENV=dev YES=1 infra/bin/deploy.sh
not_asked update-alias
answers terraform-apply
answers aws-get-parameter '["a-true-secret"]'

expect "ship without a function" 2 "say which function: FUNCTION=webhook, worker or query" ENV=dev infra/bin/ship.sh
expect "ship of no function" 2 "say which function: FUNCTION=webhook, worker or query" ENV=dev FUNCTION=all infra/bin/ship.sh
bundle worker 62
expect "ship for another architecture" 2 "$run" ENV=dev FUNCTION=worker infra/bin/ship.sh
not_asked deploy
before=$(sha256sum target/lambda/query/bootstrap.zip)
expect "ship" 0 "Terra may be pointed at" ENV=dev FUNCTION=query infra/bin/ship.sh
asked "cargo lambda deploy --manifest-path $copy/Cargo.toml --region eu-west-2"
for setting in --memory --timeout --env --role --layer --tag --tracing --runtime --log-retention --function-url --s3; do
  not_asked " $setting"
done
[ "$before" = "$(sha256sum target/lambda/query/bootstrap.zip)" ] || wrong "another bundle is left for Terraform"

answers aws-list-versions-by-function "$(printf '$LATEST\t1\t3\t12')"
expect "rollback" 0 "live was version 3 and is version 1" ENV=dev FUNCTION=query infra/bin/rollback.sh
asked "update-alias --region eu-west-2 --function-name terrace-dev-query --name live --function-version 1"
answers aws-get-alias 12
expect "rollback counts versions as numbers" 0 "live was version 12 and is version 3" ENV=dev FUNCTION=query infra/bin/rollback.sh
answers aws-get-alias 1
expect "rollback of the first" 2 "terrace-dev-query has no version before 1" ENV=dev FUNCTION=query infra/bin/rollback.sh
expect "rollback to where it is" 2 "is at version 1 already" ENV=dev FUNCTION=query VERSION=1 infra/bin/rollback.sh
expect "rollback to what is not there" 2 "has no version 2; there are: 1 3 12" ENV=dev FUNCTION=query VERSION=2 infra/bin/rollback.sh
expect "rollback to what no version is" 2 "VERSION is the number of a version" ENV=dev FUNCTION=query 'VERSION=$LATEST' infra/bin/rollback.sh
not_asked update-alias

expect "destroy of production" 2 "prod is an environment of production: it is not destroyed" ENV=prod infra/bin/destroy.sh
not_asked terraform
answers terraform-production true
expect "destroy of what was applied as production" 2 "dev was applied as an environment of production" ENV=dev infra/bin/destroy.sh
not_asked " destroy "
answers terraform-production false
expect "destroy" 0 "" ENV=dev infra/bin/destroy.sh
asked " destroy -var-file=environments/dev.tfvars"
