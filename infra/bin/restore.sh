#!/usr/bin/env bash
# Restores the table as of a moment, under another name, and puts it into Terraform's state in the place of the one before,
# which stays. Each step may be done again: what was done of it is left alone.
set -euo pipefail
. "$(dirname "$0")/common.sh"
environment
need aws "https://aws.amazon.com/cli/"
moment='^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$'
[[ "${AT:-}" =~ $moment ]] || stop "say as of when, in UTC: AT=2026-07-01T06:00:00Z"
restored=terrace-$ENV-$(tr -d ':Z-' <<< "$AT")
settings=$root/environments/$ENV.tfvars
file=environments/$ENV.tfvars
initialise
table=$(output table | tr -d '"')
address=module.table.aws_dynamodb_table.this

status() {
  aws dynamodb describe-table --region "$region" --table-name "$restored" --query Table.TableStatus --output text < /dev/null 2> /dev/null || true
}

if [ -z "$(status)" ]; then
  [ "$table" != "$restored" ] || stop "the environment is to have $restored, and it is not there"
  window=$(aws dynamodb describe-continuous-backups --region "$region" --table-name "$table" --output text \
    --query 'ContinuousBackupsDescription.PointInTimeRecoveryDescription.[PointInTimeRecoveryStatus,EarliestRestorableDateTime,LatestRestorableDateTime]' < /dev/null)
  echo "$table can be restored as it was: $window"
  [[ "$window" = ENABLED* ]] || stop "point-in-time recovery of $table is off"
  if [ "${YES:-}" != 1 ]; then
    answer=
    read -rp "Restore it as of $AT, as $restored? What came after that stays in $table alone. Only 'yes' is taken: " answer || true
    [ "$answer" = yes ] || stop "nothing was restored"
  fi
  aws dynamodb restore-table-to-point-in-time --region "$region" --source-table-name "$table" --target-table-name "$restored" \
    --restore-date-time "$AT" < /dev/null > /dev/null || stop "nothing was restored"
fi
unseen=0
while state=$(status) && [ "$state" != ACTIVE ]; do
  # Right after it was asked for AWS may not know it yet.
  [ -n "$state" ] || unseen=$((unseen + 1))
  [ "$unseen" -lt 4 ] || stop "$restored is not to be seen; look whether AWS is still asked with your credentials, and do this again"
  echo "$restored is being made (${state:-not seen yet}); this takes from minutes to hours, and goes on where this command is stopped"
  sleep "${WAIT:-20}"
done

# In this order a plan between two steps would make a table that is there already, which AWS refuses, and never replace one.
if ! terraform_here state show "$address" 2> /dev/null | grep -q "\"$restored\""; then
  terraform_here state rm "$address" > /dev/null
fi
if grep -q '^[[:space:]]*table_name[[:space:]]*=' "$settings"; then
  sed -i.before "s/^[[:space:]]*table_name[[:space:]]*=.*/table_name = \"$restored\"/" "$settings"
  rm -f "$settings.before"
else
  printf 'table_name = "%s"\n' "$restored" >> "$settings"
fi
# It comes without protection, and a deployment from a checkout that does not know its name would replace it.
aws dynamodb update-table --region "$region" --table-name "$restored" --deletion-protection-enabled < /dev/null > /dev/null
if ! terraform_here state show "$address" > /dev/null 2>&1; then
  terraform_here import -input=false -var-file="$file" "$address" "$restored" > /dev/null
fi
echo "$restored is the environment's table now, and $file says so: keep that change."
echo "Next: make deploy ENV=$ENV has the functions use it, and gives it what no backup holds (expiry, recovery, protection)."
echo "Then: make round ENV=$ENV does the erases of after $AT again. $table stays; remove it once nothing in it is needed any more."
