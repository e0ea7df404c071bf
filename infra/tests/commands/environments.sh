# shellcheck shell=bash disable=SC2034,SC2154 # variables of commands.sh
# Which environment, and what its file says.

for command in deploy smoke rollback secret terra-key restore round destroy ship; do
  expect "$command without ENV" 2 "say which environment: ENV=dev; there are: dev prod" "infra/bin/$command.sh"
  expect "$command of no environment" 2 "there is no environment stage; there are: dev prod" ENV=stage "infra/bin/$command.sh"
  expect "$command of a path" 2 "there is no environment ../environments/dev" ENV=../environments/dev "infra/bin/$command.sh"
  [ ! -s "$CALLS" ] || wrong "somebody was asked"
done

settings 'retension = "erase"'
expect "a misspelt setting" 2 "environments/dev.tfvars sets retension, and there is no such variable; there are: environment production" \
  ENV=dev infra/bin/deploy.sh
settings 'architecture = "arm"'
expect "an architecture that is none" 2 'says architecture = "arm": it is arm64 or x86_64' ENV=dev infra/bin/deploy.sh
echo 'environment = "dev"' > infra/environments/dev.tfvars
expect "no region" 2 "environments/dev.tfvars has to say region: a region of AWS, such as eu-west-2" ENV=dev infra/bin/secret.sh
printf 'environment = "prod"\nregion = "eu-west-2"\n' > infra/environments/dev.tfvars
expect "the file of another" 2 'environments/dev.tfvars has to say environment = "dev"' ENV=dev infra/bin/smoke.sh
[ ! -s "$CALLS" ] || wrong "somebody was asked"

settings
mv infra/environments/dev.s3.tfbackend kept
expect "no place for the state" 2 "environments/dev.s3.tfbackend is missing" ENV=dev infra/bin/smoke.sh
mv kept infra/environments/dev.s3.tfbackend

expect "make without ENV" 2 "say which environment: ENV=dev" make -s secret
expect "a build for no machine" 2 "ARCHITECTURE is arm64 or x86_64, not arm" ARCHITECTURE=arm infra/bin/build.sh
