#!/usr/bin/env bash
# Rehearses the whole stack on this machine: `make rehearse`. Needs Terraform with its AWS provider, Rust, Python 3, openssl
# and, on Linux, the right to make a namespace. The emulator is installed once, by cargo, under target/rehearsal.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
folder=$root/target/rehearsal
venv=$folder/venv
fakecloud=0.51.0
emulator=$folder/bin/fakecloud

missing() {
  echo "make rehearse needs $1: $2" >&2
  exit 1
}

command -v terraform > /dev/null || missing Terraform "https://developer.hashicorp.com/terraform/install"
command -v openssl > /dev/null || missing openssl "install openssl"
command -v ip > /dev/null || missing ip "install iproute2"
python3 -c 'import ensurepip, venv' 2> /dev/null || missing "Python's venv and pip" "install python3-venv"
unshare --map-root-user --net --mount true 2> /dev/null ||
  missing "a network namespace of its own" "unprivileged user namespaces are off here; run it as root, or allow them"
case $(uname -m) in
  x86_64) architecture=x86_64 ;;
  aarch64) architecture=arm64 ;;
  *) missing "a machine that Lambda has too" "this one is $(uname -m)" ;;
esac

mkdir -p "$folder"
if ! cmp -s "$here/requirements.txt" "$venv/installed"; then
  python3 -m venv --clear "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt" ||
    missing "the AWS command line" "PyPI was not reached"
  cp "$here/requirements.txt" "$venv/installed"
fi
if [ "$("$emulator" --version 2> /dev/null)" != "fakecloud $fakecloud" ]; then
  echo "-- the emulator, fakecloud $fakecloud, is built from crates.io; half an hour on two cores"
  cargo install --quiet --locked --root "$folder" --target-dir "$folder/emulator" "fakecloud@$fakecloud"
  rm -rf "$folder/emulator"
fi
export PATH=$venv/bin:$PATH

cd "$root"
make --no-print-directory build ARCHITECTURE="$architecture"
cargo build --quiet --locked -p terrace-cli --bin terrace

# The provider comes from the network or a mirror, and so before the way out is closed.
export TF_PLUGIN_CACHE_DIR=$folder/providers TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE=true
mkdir -p "$TF_PLUGIN_CACHE_DIR"
TF_DATA_DIR=$folder/provider-download terraform -chdir=infra init -backend=false -input=false -no-color > "$folder/init.log" ||
  { tail -n 12 "$folder/init.log" >&2; missing "the AWS provider" "the registry was not reached, and no mirror is named in TF_CLI_CONFIG_FILE"; }
rm -f infra/.terraform.lock.hcl

# In there are this machine's own addresses and nothing else: whatever is done wrong, AWS cannot be reached. The host of the
# pings has a public address in there, and a name.
hosts=$folder/hosts
printf '127.0.0.1 localhost\n52.216.0.1 rehearsal-payloads.s3.eu-west-2.amazonaws.com\n' > "$hosts"
export hosts
exec unshare --map-root-user --net --mount bash -euo pipefail -c '
  ip link set lo up
  ip address add 52.216.0.1/32 dev lo
  mount --bind "$hosts" /etc/hosts
  exec "$@"
' rehearsal "$venv/bin/python" "$here/rehearse.py" "$emulator" "$root/infra" "$folder" "$architecture"
