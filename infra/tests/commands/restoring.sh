# shellcheck shell=bash disable=SC2034,SC2154 # variables of commands.sh
# The table of another moment: which steps are taken, in which order, and what is refused before any.

restore=(ENV=dev AT=2026-07-01T06:00:00Z WAIT=0 infra/bin/restore.sh)
for at in "" yesterday 2026-07-01 2026-07-01T06:00:00 "2026-07-01T06:00:00Z; true"; do
  expect "restored as of '$at'" 2 "say as of when, in UTC: AT=2026-07-01T06:00:00Z" ENV=dev AT="$at" infra/bin/restore.sh
  [ ! -s "$CALLS" ] || wrong "somebody was asked"
done

answers terraform-table '"terrace-dev"'
echo "ResourceNotFoundException" > "$ANSWERS/aws-describe-table.fails"
answers aws-describe-continuous-backups $'DISABLED\tNone\tNone'
expect "no recovery" 2 "point-in-time recovery of terrace-dev is off" "${restore[@]}"
not_asked restore-table-to-point-in-time
answers aws-describe-continuous-backups $'ENABLED\t2026-06-01T00:00:00Z\t2026-07-02T00:00:00Z'
input=no
expect "an answer that is not yes" 2 "nothing was restored" "${restore[@]}"
not_asked restore-table-to-point-in-time
input=yes
echo "InvalidRestoreTimeException" > "$ANSWERS/aws-restore-table-to-point-in-time.fails"
expect "a moment that AWS does not have" 2 "nothing was restored" "${restore[@]}"
answers aws-restore-table-to-point-in-time
expect "a table that is never seen" 2 "terrace-dev-20260701T060000 is not to be seen" "${restore[@]}"
asked "restore-table-to-point-in-time --region eu-west-2 --source-table-name terrace-dev --target-table-name terrace-dev-20260701T060000 --restore-date-time 2026-07-01T06:00:00Z"
not_asked "state rm"
grep -q table_name infra/environments/dev.tfvars && wrong "the settings name a table that is not there"
input=

# It is there: what is left is done, and done again it changes nothing.
answers aws-describe-table ACTIVE
answers terraform-show "No instance found"
expect "a table that is there" 0 "make deploy ENV=dev has the functions use it" "${restore[@]}"
not_asked restore-table-to-point-in-time
asked "state rm module.table.aws_dynamodb_table.this"
grep -qx 'table_name = "terrace-dev-20260701T060000"' infra/environments/dev.tfvars || wrong "the settings do not name it"
answers terraform-show 'name = "terrace-dev-20260701T060000"'
expect "the same again" 0 "make round ENV=dev does the erases of after 2026-07-01T06:00:00Z again" "${restore[@]}"
not_asked "state rm"
not_asked import
[ "$(grep -c '^table_name' infra/environments/dev.tfvars)" = 1 ] || wrong "the settings name it twice"
settings
answers terraform-table
answers terraform-show
answers aws-describe-table

round=(ENV=dev infra/bin/round.sh)
expect "a round of nothing" 2 "there is no queue in dev yet: make deploy ENV=dev" "${round[@]}"
answers terraform-queues '{"jobs": {"url": "https://sqs.example.com/1/jobs"}}'
expect "a round" 0 "The round is queued" "${round[@]}"
asked 'send-message --region eu-west-2 --queue-url https://sqs.example.com/1/jobs --message-body {"job":"sweep"}'
echo "AccessDenied" > "$ANSWERS/aws-send-message.fails"
expect "a round that is not taken" 2 "the round was not queued" "${round[@]}"
