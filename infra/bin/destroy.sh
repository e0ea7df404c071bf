#!/usr/bin/env bash
# Removes an environment with all that lies in it. Refuses one of production.
set -euo pipefail
. "$(dirname "$0")/common.sh"
environment
if [ "$(setting production true)" != false ]; then
  stop "$ENV is an environment of production: it is not destroyed. Set production = false in environments/$ENV.tfvars, apply that, and look again whether you mean it"
fi
initialise
exec env TF_DATA_DIR="$root/.terraform/$ENV" terraform -chdir="$root" destroy -var-file="environments/$ENV.tfvars"
