#!/usr/bin/env bash
# What the commands share. Sourced; most of it speaks of the environment that ENV names.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034 # for those who source this
functions=(webhook worker query)
# The release that bundles are built and shipped with, and its cross compiler.
cargo_lambda_release="cargo-lambda==1.9.2 ziglang==0.17.1"

stop() {
  echo "$*" >&2
  exit 2
}

need() {
  command -v "$1" > /dev/null || stop "$1 is not installed: $2"
}

# Puts cargo-lambda on the path, in a place of its own, so that everybody has the same.
cargo_lambda() {
  local venv=$root/../target/cargo-lambda-venv
  if [ "$(cat "$venv/installed" 2> /dev/null)" != "$cargo_lambda_release" ]; then
    rm -rf "$venv"
    # shellcheck disable=SC2086 # two packages
    { python3 -m venv "$venv" && "$venv/bin/python" -m pip install --quiet --disable-pip-version-check $cargo_lambda_release; } ||
      stop "cargo-lambda could not be installed from PyPI: $cargo_lambda_release"
    echo "$cargo_lambda_release" > "$venv/installed"
  fi
  PATH=$venv/bin:$PATH
}

# A setting of the environment's file; nothing where it is not there.
setting() {
  sed -n "s/^[[:space:]]*$1[[:space:]]*=[[:space:]]*\"\{0,1\}\([^\"#]*\)\"\{0,1\}.*/\1/p" "$root/environments/$ENV.tfvars" |
    tr -d '[:space:]'
}

# Checks ENV and what its file says, as far as it can be without Terraform, and sets `region` and `architecture`.
environment() {
  local file known=() name
  for file in "$root"/environments/*.tfvars; do
    known+=("$(basename "$file" .tfvars)")
  done
  [ -n "${ENV:-}" ] || stop "say which environment: ENV=dev; there are: ${known[*]}"
  [[ "$ENV" =~ ^[a-z][a-z0-9-]{0,19}$ ]] && [ -f "$root/environments/$ENV.tfvars" ] ||
    stop "there is no environment $ENV; there are: ${known[*]}"
  file=environments/$ENV.tfvars
  # Terraform only warns of a name that it does not know, and the setting that was meant keeps its default.
  while read -r name; do
    grep -q "^variable \"$name\"" "$root/variables.tf" ||
      stop "$file sets $name, and there is no such variable; there are: $(sed -n 's/^variable "\(.*\)".*/\1/p' "$root/variables.tf" | tr '\n' ' ')"
  done < <(sed -n 's/^\([A-Za-z0-9_-]*\)[[:space:]]*=.*/\1/p' "$root/$file")
  [ "$(setting environment)" = "$ENV" ] ||
    stop "$file has to say environment = \"$ENV\": everything is named after it"
  region=$(setting region)
  [[ "$region" =~ ^[a-z]{2}(-[a-z]+)+-[0-9]$ ]] || stop "$file has to say region: a region of AWS, such as eu-west-2"
  architecture=$(setting architecture)
  architecture=${architecture:-arm64}
  case "$architecture" in
    arm64 | x86_64) ;;
    *) stop "$file says architecture = \"$architecture\": it is arm64 or x86_64" ;;
  esac
}

terraform_here() {
  TF_DATA_DIR=$root/.terraform/$ENV terraform -chdir="$root" "$@"
}

initialise() {
  need terraform "https://developer.hashicorp.com/terraform/install"
  [ -f "$root/environments/$ENV.s3.tfbackend" ] || stop "environments/$ENV.s3.tfbackend is missing: it says where the state lies"
  terraform_here init -input=false -backend-config="environments/$ENV.s3.tfbackend" > /dev/null
}

# An output of the environment as it was applied, as JSON.
output() {
  terraform_here output -json "$1"
}

# Stops unless each of these functions has a bundle for the architecture of the environment.
bundles() {
  local function zip
  for function in "$@"; do
    zip=$root/../target/lambda/$function/bootstrap.zip
    [ -f "$zip" ] || stop "there is no bundle at target/lambda/$function/bootstrap.zip: run 'make build ARCHITECTURE=$architecture' first"
    python3 "$root/bin/bundle.py" check "$zip" "$architecture" || stop "run 'make build ARCHITECTURE=$architecture' first"
  done
}

# The name of the function that FUNCTION speaks of.
function_name() {
  case "${FUNCTION:-}" in
    webhook | worker | query) echo "terrace-$ENV-$FUNCTION" ;;
    *) stop "say which function: FUNCTION=webhook, worker or query" ;;
  esac
}

# Reads a line from the terminal, without showing it, or from a pipe.
hidden() {
  local text=
  if [ -t 0 ]; then
    read -rsp "$1: " text || true
    echo >&2
  else
    read -r text || true
  fi
  printf '%s' "$text"
}

# The value of a parameter. It goes to where this is piped to, and into no message.
parameter_value() {
  local said value
  said=$(mktemp)
  if ! value=$(aws ssm get-parameter --region "$region" --with-decryption --name "$1" --query Parameter.Value --output text 2> "$said"); then
    value=$(cat "$said")
    rm -f "$said"
    case "$value" in
      *ParameterNotFound*) stop "the parameter $1 is not there: $2" ;;
      *) stop "the parameter $1 could not be read: $value" ;;
    esac
  fi
  rm -f "$said"
  printf '%s' "$value"
}

# Stores the value that comes in by a pipe. The key is named, since without one the parameter would go over to the account's
# own. All else is named as well: the command line reads what a file holds of its arguments twice,
# which a pipe cannot do, but the value of one of them once.
store_parameter() {
  local key
  key=$(aws kms describe-key --region "$region" --key-id "alias/terrace-$ENV" --query KeyMetadata.Arn --output text < /dev/null) ||
    stop "the key alias/terrace-$ENV was not found: make deploy ENV=$ENV makes it"
  aws ssm put-parameter --region "$region" --name "$1" --type SecureString --overwrite --key-id "$key" --value file:///dev/stdin > /dev/null
}
