#!/usr/bin/env bash
# Removes an environment with all that lies in it. Refuses one of production, whether its file says so or it was applied so.
set -euo pipefail
. "$(dirname "$0")/common.sh"
environment
production=$(setting production)
if [ "${production:-true}" != false ]; then
  stop "$ENV is an environment of production: it is not destroyed. Set production = false in environments/$ENV.tfvars, apply that, and look again whether you mean it"
fi
initialise
applied=$(output production 2> /dev/null) || applied=
if [ "$applied" = true ]; then
  stop "$ENV was applied as an environment of production: it is not destroyed. make deploy ENV=$ENV applies production = false; look again then whether you mean it"
fi
terraform_here destroy -var-file="environments/$ENV.tfvars"
