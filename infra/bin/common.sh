# What the commands share. Sourced, with ENV set.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

stop() {
  echo "$*" >&2
  exit 2
}

need() {
  command -v "$1" > /dev/null || stop "$1 is not installed: $2"
}

environment() {
  local known
  known=$(cd "$root/environments" && ls -- *.tfvars | sed 's/\.tfvars$//' | tr '\n' ' ')
  [ -n "${ENV:-}" ] || stop "say which environment: ENV=dev; there are: $known"
  [ -f "$root/environments/$ENV.tfvars" ] || stop "there is no environment $ENV; there are: $known"
}

# A setting of the environment's file, or what it is otherwise.
setting() {
  local value
  value=$(sed -n "s/^$1 *= *\"\{0,1\}\([^\"#]*\)\"\{0,1\}.*/\1/p" "$root/environments/$ENV.tfvars" | tr -d ' ' | tail -n 1)
  echo "${value:-$2}"
}

terraform_here() {
  TF_DATA_DIR=$root/.terraform/$ENV terraform -chdir="$root" "$@"
}

initialise() {
  need terraform "https://developer.hashicorp.com/terraform/install"
  [ -f "$root/environments/$ENV.s3.tfbackend" ] || stop "environments/$ENV.s3.tfbackend is missing: it says where the state lies"
  terraform_here init -input=false -backend-config="environments/$ENV.s3.tfbackend" > /dev/null
}

output() {
  terraform_here output -json "$1"
}

# Bundles, each built for the architecture of the environment.
bundles() {
  local architecture=$1 function zip
  for function in webhook worker query; do
    zip=$root/../target/lambda/$function/bootstrap.zip
    [ -f "$zip" ] || stop "there is no bundle at $zip: run 'make build ARCHITECTURE=$architecture' first"
    python3 - "$zip" "$architecture" << 'PYTHON' || stop "run 'make build ARCHITECTURE=$architecture' first"
import struct, sys, zipfile
path, wanted = sys.argv[1:]
with zipfile.ZipFile(path) as bundle:
    head = bundle.open("bootstrap").read(20)
# ELF, e_machine: 183 AArch64, 62 x86-64.
machine = struct.unpack_from("<H", head, 18)[0] if head[:4] == b"\x7fELF" else 0
built = {183: "arm64", 62: "x86_64"}.get(machine, "no machine of Lambda's")
if built != wanted:
    sys.exit(f"{path} is built for {built}, and the environment runs {wanted}")
PYTHON
  done
}

function_name() {
  case "${FUNCTION:-}" in
    webhook | worker | query) echo "terrace-$ENV-$FUNCTION" ;;
    *) stop "say which function: FUNCTION=webhook, worker or query" ;;
  esac
}
