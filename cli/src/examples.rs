//! What stands below the long help of each command: how it is called.

/// Of `serve`.
pub const SERVE: &str = "\
Examples:
  terrace serve                                 # on http://127.0.0.1:8787, everything in .terrace/
  terrace serve --port 9000 --data elsewhere
  TERRA_SIGNING_SECRET=… terrace serve          # take what Terra signs, through a tunnel";
/// Of `simulate`.
pub const SIMULATE: &str = "\
Examples:
  terrace simulate --users 20 --days 30         # a month of deliveries to http://127.0.0.1:8787
  terrace simulate --retries current --speed 3600 # an hour of Terra's schedule in a second
  terrace simulate --from-file body.json        # one saved body, signed now";
/// Of `users`.
pub const USERS: &str = "\
Examples:
  terrace users --all
  terrace users --reference sam                 # the connections of one end user
  terrace users --all --json | jq -r .user_id   # for programs, in the cloud with --profile prod";
/// Of `records`.
pub const RECORDS: &str = "\
Examples:
  terrace records USER --type daily,sleep --from 2026-07-01
  terrace records USER --id 2026-07-01 --detail full --json
  terrace records USER --updated-since 2026-07-01T08:00:00Z --all";
/// Of `deliveries`.
pub const DELIVERIES: &str = "\
Examples:
  terrace deliveries USER --from 2026-07-01
  terrace deliveries USER --body DELIVERY       # its body, by the name that the list gives it";
/// Of `diagnose`.
pub const DIAGNOSE: &str = "\
Examples:
  terrace diagnose USER --type sleep
  terrace diagnose --reference sam              # all connections of one end user
  terrace diagnose USER --json | jq '.findings[0].code'";
/// Of `export`.
pub const EXPORT: &str = "\
Examples:
  terrace export out --profile prod             # everybody, whole records, JSON lines
  terrace export out --format csv --type daily,sleep --from 2026-07-01
  terrace export out --reference sam            # everything of one end user";
/// Of `jobs`.
pub const JOBS: &str = "\
Examples:
  terrace jobs JOB --wait
  terrace jobs JOB --json | jq .progress";
/// Of `replay`.
pub const REPLAY: &str = "\
Examples:
  terrace replay --dry-run                      # what the quarantine would come to by the present version
  terrace replay
  terrace replay --all --from 2026-07-01        # deliveries of those days, quarantined or not
  terrace replay --all --user USER              # one user's records, anew";
/// Of `erase`.
pub const ERASE: &str = "\
Examples:
  terrace erase USER --yes
  terrace erase --reference sam --yes --no-wait # all connections of one end user";
/// Of `reconcile`.
pub const RECONCILE: &str = "\
Examples:
  terrace reconcile                             # everybody; changes nothing
  terrace reconcile --user USER --repair";
/// Of `backfill`.
pub const BACKFILL: &str = "\
Examples:
  terrace backfill --all --from 2026-07-01 --to 2026-07-03 --dry-run
  terrace backfill --user USER --from 2026-01-01 --to 2026-06-30 --types daily,sleep";
/// Of `verify`.
pub const VERIFY: &str = "\
Examples:
  terrace verify                                # the folder of `terrace serve`
  terrace verify --table NAME --bucket NAME     # a table and a bucket, with the usual AWS credentials";
/// Of `cost`.
pub const COST: &str = "\
Examples:
  terrace cost                                  # the tables of docs/COST.md
  terrace cost --deliveries 3000000 --log-days 30
  terrace cost --body-bytes 300000 --json       # for programs";
/// Of `completions`.
pub const COMPLETIONS: &str = "\
Examples:
  terrace completions bash > ~/.local/share/bash-completion/completions/terrace
  terrace completions zsh > ~/.zfunc/_terrace
  terrace completions fish > ~/.config/fish/completions/terrace.fish";
/// Of `man`.
pub const MAN: &str = "\
Examples:
  terrace man | man -l -
  terrace man ~/.local/share/man/man1";
