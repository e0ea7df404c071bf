# What each function is given and may do: the calls of shared/store, and no more. A call that the code makes and that is
# missing here fails as AccessDenied; an action here that no code uses is one too many.

locals {
  log_objects    = "${module.log_bucket.arn}/log/*"
  answer_objects = "${module.log_bucket.arn}/answers/*"
  ledger         = "${module.log_bucket.arn}/erasures/*"
  sweep_state    = "${module.log_bucket.arn}/sweep/*"
  index          = { for name in ["by_start", "by_reference", "by_quarantine"] : name => "${module.table.arn}/index/${name}" }

  places = {
    TERRACE_TABLE          = module.table.name
    TERRACE_BUCKET         = module.log_bucket.name
    TERRACE_QUEUE_URL      = module.jobs.url
    TERRACE_PING_QUEUE_URL = module.pings.url
  }
  keeping = {
    TERRACE_LOG_DAYS          = tostring(var.log_days)
    TERRACE_RETENTION         = var.retention
    TERRACE_METRICS_NAMESPACE = local.metrics_namespace
  }
  # The table, queues, bucket, parameters and variables are encrypted with the environment's key, and AWS uses it in the name of
  # whoever asks for what is in them.
  use_key = { actions = ["kms:Decrypt", "kms:GenerateDataKey"], resources = [module.key.arn] }

  functions = {
    webhook = {
      memory_mb = 512
      # Terra waits 8 s; the function answers within 6.
      timeout_s   = 8
      environment = merge(local.places, local.keeping, { TERRACE_SECRETS_PARAMETER = module.secrets.name })
      statements = {
        table   = { actions = ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:GetItem"], resources = [module.table.arn] }
        log     = { actions = ["s3:PutObject"], resources = [local.log_objects] }
        jobs    = { actions = ["sqs:SendMessage"], resources = [module.jobs.arn, module.pings.arn] }
        secrets = { actions = ["ssm:GetParameter"], resources = [module.secrets.arn] }
        key     = local.use_key
      }
    }

    query = {
      memory_mb   = 512
      timeout_s   = 20
      environment = merge(local.places, { for parameter in module.terra_api : "TERRACE_TERRA_API_PARAMETER" => parameter.name })
      statements = merge({
        table   = { actions = ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:BatchGetItem", "dynamodb:UpdateItem"], resources = [module.table.arn] }
        indexes = { actions = ["dynamodb:Query"], resources = [local.index.by_start, local.index.by_reference] }
        # Every connection, for GET /users.
        everybody = { actions = ["dynamodb:Scan"], resources = [local.index.by_reference] }
        objects   = { actions = ["s3:GetObject"], resources = [local.log_objects, local.answer_objects] }
        answers   = { actions = ["s3:PutObject"], resources = [local.answer_objects] }
        # Without it S3 says forbidden of an object that is gone, and so would the answer.
        list = { actions = ["s3:ListBucket"], resources = [module.log_bucket.arn], prefixes = ["log/*"] }
        jobs = { actions = ["sqs:SendMessage"], resources = [module.jobs.arn] }
        key  = local.use_key
      }, { for parameter in module.terra_api : "terra" => { actions = ["ssm:GetParameter"], resources = [parameter.arn] } })
    }

    worker = {
      # A body that a ping leads to is held whole, up to TERRACE_PING_MAX_BYTES.
      memory_mb   = 1024
      timeout_s   = local.worker_timeout_s
      environment = merge(local.places, local.keeping, { TERRACE_PING_HOSTS = join(",", var.ping_hosts) })
      statements = {
        table   = { actions = ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:Scan"], resources = [module.table.arn] }
        indexes = { actions = ["dynamodb:Query"], resources = [local.index.by_reference, local.index.by_quarantine] }
        objects = { actions = ["s3:PutObject", "s3:GetObject", "s3:DeleteObject"], resources = [local.log_objects, local.sweep_state] }
        ledger  = { actions = ["s3:PutObject", "s3:GetObject"], resources = [local.ledger] }
        list    = { actions = ["s3:ListBucket"], resources = [module.log_bucket.arn], prefixes = ["log/*", "erasures/*", "sweep/*"] }
        jobs    = { actions = ["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"], resources = [module.jobs.arn, module.pings.arn] }
        key     = local.use_key
      }
    }
  }
}

# What wakes the worker: the two queues, and once a day the schedule, by way of the queue of jobs.

resource "aws_lambda_event_source_mapping" "jobs" {
  event_source_arn = module.jobs.arn
  function_name    = module.function["worker"].alias.arn
  # One at a time: others of a batch would wait for a long one, and lose one of their tries.
  batch_size              = 1
  function_response_types = ["ReportBatchItemFailures"]

  scaling_config {
    maximum_concurrency = var.worker_concurrency.jobs
  }

  lifecycle {
    precondition {
      condition     = module.jobs.visibility_timeout_s >= 6 * local.worker_timeout_s
      error_message = "The queue of jobs has to hide a message for six times as long as the worker may take (AWS: Lambda with SQS)."
    }
  }
}

resource "aws_lambda_event_source_mapping" "pings" {
  event_source_arn = module.pings.arn
  function_name    = module.function["worker"].alias.arn
  # One at a time: a body is held whole in memory.
  batch_size              = 1
  function_response_types = ["ReportBatchItemFailures"]

  scaling_config {
    maximum_concurrency = var.worker_concurrency.pings
  }
}

# A job that takes longer than an invocation queues what is left of it as a job, and Lambda would take that for a loop and
# drop it after some sixteen times. https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
resource "aws_lambda_function_recursion_config" "worker" {
  function_name  = module.function["worker"].name
  recursive_loop = "Allow"
}

data "aws_iam_policy_document" "scheduler_assumes" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["scheduler.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.here.account_id]
    }
  }
}

data "aws_iam_policy_document" "scheduler" {
  statement {
    actions   = ["sqs:SendMessage"]
    resources = [module.jobs.arn, module.jobs.dead_letters_arn]
  }

  statement {
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [module.key.arn]
  }
}

resource "aws_iam_role" "scheduler" {
  name               = "${local.name}-daily-round"
  assume_role_policy = data.aws_iam_policy_document.scheduler_assumes.json
}

resource "aws_iam_role_policy" "scheduler" {
  name   = "send-the-job"
  role   = aws_iam_role.scheduler.id
  policy = data.aws_iam_policy_document.scheduler.json
}

resource "aws_scheduler_schedule" "daily_round" {
  name        = "${local.name}-daily-round"
  description = "Applies what was logged and never applied, and removes objects that nothing leads to."
  kms_key_arn = module.key.arn

  schedule_expression = "rate(1 day)"

  flexible_time_window {
    mode                      = "FLEXIBLE"
    maximum_window_in_minutes = 60
  }

  target {
    arn      = module.jobs.arn
    role_arn = aws_iam_role.scheduler.arn
    input    = jsonencode({ job = "sweep" })

    # A day's round that cannot be queued is told of by the alarm on dead letters, and can be redriven like a job.
    dead_letter_config {
      arn = module.jobs.dead_letters_arn
    }
  }
}
