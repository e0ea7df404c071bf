# Terrace in one AWS account and region. What each part is for: docs/ARCHITECTURE.md; how to run it: docs/OPERATIONS.md.

locals {
  name = "terrace-${var.environment}"

  # A job that takes longer hands on what is left. What a sandbox had that was killed is handed out again after this, of a
  # ping, whose URL dies within ten minutes; so it is not the longest that Lambda allows.
  worker_timeout_s = 300

  # Environments in one account count apart.
  metrics_namespace = "Terrace/${var.environment}"

  # Lines are kept for as long as deliveries, rounded up to what CloudWatch offers.
  retentions     = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653]
  retention_days = min([for days in local.retentions : days if days >= var.log_days]...)
}

data "aws_caller_identity" "here" {}

data "aws_partition" "here" {}

module "key" {
  source  = "./modules/key"
  name    = local.name
  region  = var.region
  bus_arn = var.change_events ? "arn:${data.aws_partition.here.partition}:events:${var.region}:${data.aws_caller_identity.here.account_id}:event-bus/${local.name}" : null
}

module "table" {
  source              = "./modules/table"
  name                = coalesce(var.table_name, local.name)
  key_arn             = module.key.arn
  deletion_protection = var.production
  stream              = var.change_events
}

module "log_bucket" {
  source        = "./modules/log_bucket"
  name          = "${local.name}-log-${data.aws_caller_identity.here.account_id}-${var.region}"
  key_arn       = module.key.arn
  force_destroy = !var.production
}

module "secrets" {
  source      = "./modules/secrets"
  name        = "/${local.name}/signing-secrets"
  description = "Terra's signing secrets: a JSON array, two while one is rotated. Set with `make secret`."
  key_arn     = module.key.arn
  # No secret, no service: with none the webhook does not start.
  empty = "[]"
}

module "terra_api" {
  source = "./modules/secrets"
  count  = var.terra_api ? 1 : 0

  name        = "/${local.name}/terra-api"
  description = "As whom a diagnosis asks Terra: a JSON object of dev_id and api_key. Set with `make terra-key`."
  key_arn     = module.key.arn
  # Without a key the diagnosis says that Terra was not asked.
  empty = "{}"
}

module "jobs" {
  source               = "./modules/queue"
  name                 = "${local.name}-jobs"
  key_arn              = module.key.arn
  visibility_timeout_s = 6 * local.worker_timeout_s
}

# Apart from the rest: a ping's URL dies within minutes, and a long replay must not keep it waiting.
module "pings" {
  source  = "./modules/queue"
  name    = "${local.name}-pings"
  key_arn = module.key.arn
  # As short as AWS takes. What failed comes back sooner: the worker says when.
  visibility_timeout_s = local.worker_timeout_s
}

module "function" {
  source   = "./modules/function"
  for_each = local.functions

  name                 = "${local.name}-${each.key}"
  bundle               = "${path.root}/${var.bundles}/${each.key}/bootstrap.zip"
  architecture         = var.architecture
  memory_mb            = each.value.memory_mb
  timeout_s            = each.value.timeout_s
  environment          = each.value.environment
  statements           = each.value.statements
  key_arn              = module.key.arn
  retention_days       = local.retention_days
  reserved_concurrency = lookup(var.reserved_concurrency, each.key, null)
}

module "http_api" {
  source         = "./modules/http_api"
  name           = local.name
  key_arn        = module.key.arn
  retention_days = local.retention_days
  throttling     = var.throttling
  domain         = var.domain

  webhook = module.function["webhook"].alias
  query   = module.function["query"].alias
}

module "change_events" {
  source = "./modules/change_events"
  count  = var.change_events ? 1 : 0

  name         = local.name
  stream_arn   = module.table.stream_arn
  key_arn      = module.key.arn
  alarms_topic = module.observability.alarms_topic
}

module "observability" {
  source = "./modules/observability"

  name             = local.name
  region           = var.region
  key_arn          = module.key.arn
  api_id           = module.http_api.id
  table            = module.table.name
  functions        = { for name, function in module.function : name => function.name }
  queues           = { jobs = module.jobs.name, pings = module.pings.name }
  dead_letters     = { jobs = module.jobs.dead_letters_name, pings = module.pings.dead_letters_name }
  oldest_message_s = { jobs = 3600, pings = 120 }
  alarm_email      = var.alarm_email
  silence_hours    = var.silence_hours
  monthly_budget   = var.monthly_budget
  environment      = var.environment
  access_log       = module.http_api.access_log
  namespace        = local.metrics_namespace
}
