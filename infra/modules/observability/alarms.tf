# What would hurt, each with what to do. Terra disables a destination after about a day of failures: the first alarm comes
# within minutes.

locals {
  # The code's own metrics have no dimensions: shared/runtime/src/telemetry/metrics.rs.
  own     = { namespace = var.namespace, dimensions = {} }
  gateway = { namespace = "AWS/ApiGateway", dimensions = { ApiId = var.api_id } }
  # Made from the access log, and there only while something is refused.
  refused = "RefusedByGateway"
  # All that the webhook answers: functions/webhook.
  answers = [200, 401, 404, 405, 413, 503]

  # Alarms on one metric.
  simple = merge(
    {
      unavailable = merge(local.own, {
        metric = "DeliveriesUnavailable", statistic = "Sum", period_s = 60, above = 0, of = [2, 3]
        what   = "Deliveries are given back to Terra with 503: the log, the table or a queue did not take them. Terra sends them again for hours; nothing is lost yet. Look at the lines with `outcome` unavailable for which call fails, then at AWS's status page and the table's throttling."
      })
      signatures_mismatch = merge(local.own, {
        metric = "SignatureMismatch", statistic = "Sum", period_s = 300, above = 5, of = [1, 1]
        what   = "Requests are signed with a secret that is not ours. After a rotation in the Terra dashboard: `make secret`. Otherwise somebody else knows the URL; nothing of theirs gets in."
      })
      signatures_out_of_time = merge(local.own, {
        metric = "SignatureOutOfTime", statistic = "Sum", period_s = 300, above = 5, of = [1, 1]
        what   = "Requests were signed too long ago or in the future. Retries older than TERRACE_TOLERANCE_PAST_SECONDS are refused: raise it if these are Terra's."
      })
      signatures_missing = merge(local.own, {
        metric = "SignatureMissing", statistic = "Sum", period_s = 300, above = 50, of = [1, 1]
        what   = "Many requests without a signature: scanners, or a proxy that drops the header. Terra's own always have one."
      })
      quarantine = merge(local.own, {
        metric = "DeliveriesQuarantined", statistic = "Sum", period_s = 900, above = 0, of = [1, 1]
        what   = "Deliveries could not be (wholly) understood. They are kept: `terrace deliveries USER` shows the reason; `terrace replay --dry-run` what a newer version makes of them."
      })
      pings_lost = merge(local.own, {
        metric = "PingsLost", statistic = "Sum", period_s = 300, above = 0, of = [1, 1]
        what   = "A ping's URL died or was refused; its data is not here. The line's `quarantine` has the reason. Ask Terra for the data again: `terrace backfill`."
      })
      jobs_failed = merge(local.own, {
        metric = "JobsFailed", statistic = "Sum", period_s = 300, above = 3, of = [2, 2]
        what   = "Jobs fail again and again; after eight tries they go to the dead letters. The line's `error` says at what."
      })
      too_large = merge(local.own, {
        metric = "DeliveriesTooLarge", statistic = "Sum", period_s = 300, above = 0, of = [1, 1]
        what   = "Deliveries are larger than what is taken. Turn on ping mode in the Terra dashboard; what was refused has to be asked for again."
      })
      refused_by_the_gateway = merge(local.own, {
        metric = local.refused, statistic = "Sum", period_s = 300, above = 0, of = [1, 1]
        what   = "The gateway refused deliveries that no function saw: over what Lambda takes (500), over 10 MB (413), or too many at once (429); or the webhook did not answer at all, of which its own alarm speaks too. The access log has the status. Turn on ping mode in the Terra dashboard, or ask AWS for a higher limit. Of a 413 AWS promises neither a metric nor a line: Terra's dashboard shows those."
      })
      slow = merge(local.own, {
        metric = "Duration", statistic = "p99", period_s = 300, above = 5000, of = [2, 3]
        what   = "The slowest answers come near Terra's 8 s, after which it sends again and then throttles. Look which call is slow in the lines (`log_ms`, `apply_ms`)."
      })
      table_throttled = {
        namespace = "AWS/DynamoDB", dimensions = { TableName = var.table }
        metric    = "WriteThrottleEvents", statistic = "Sum", period_s = 60, above = 0, of = [3, 5]
        what      = "The table throttles writes: one user's partition takes 1,000 units a second, an account 40,000. Deliveries are given back and come again. CloudWatch lets an alarm on the table stay on where nothing more is measured: once it is over, `aws cloudwatch set-alarm-state --state-value OK` makes it ready for the next time."
      }
    },
    { for name, function in var.functions : "${name}_errors" => {
      namespace = "AWS/Lambda", dimensions = { FunctionName = function }
      metric    = "Errors", statistic = "Sum", period_s = 60, above = 0, of = [2, 3]
      what      = "The ${name} function fails outright: it does not start (no secret? `make secret`), was killed for its memory or its time. Its lines say which. Roll back with `make rollback FUNCTION=${name}` if it came with a deployment."
    } },
    { for name, function in var.functions : "${name}_throttled" => {
      namespace = "AWS/Lambda", dimensions = { FunctionName = function }
      metric    = "Throttles", statistic = "Sum", period_s = 60, above = 0, of = [2, 3]
      what      = "The ${name} function is throttled: the account's concurrency, or reserved_concurrency, is used up. Ask AWS for more."
    } },
    { for name, queue in var.dead_letters : "${name}_dead" => {
      namespace = "AWS/SQS", dimensions = { QueueName = queue }
      metric    = "ApproximateNumberOfMessagesVisible", statistic = "Maximum", period_s = 60, above = 0, of = [1, 1]
      what      = "A job failed eight times. Deliveries are in the log, but an erase or a replay that was ordered is not done. Mend the cause, then start the redrive of ${queue} in SQS within 14 days (README.md, A dead letter)."
    } },
    { for name, queue in var.queues : "${name}_wait" => {
      namespace = "AWS/SQS", dimensions = { QueueName = queue }
      metric    = "ApproximateAgeOfOldestMessage", statistic = "Maximum", period_s = 60, above = var.oldest_message_s[name], of = [3, 3]
      what      = "The oldest job in ${queue} waits too long: the worker is throttled, fails, or has more to do than it gets done. A ping's URL dies within minutes."
    } },
  )
}

resource "aws_sns_topic" "alarms" {
  name              = "${var.name}-alarms"
  kms_master_key_id = var.key_arn
}

resource "aws_sns_topic_subscription" "email" {
  count     = var.alarm_email == null ? 0 : 1
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = var.alarm_email
}

resource "aws_cloudwatch_metric_alarm" "simple" {
  for_each = local.simple

  alarm_name          = "${var.name}-${replace(each.key, "_", "-")}"
  alarm_description   = each.value.what
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = startswith(each.value.statistic, "p") ? null : each.value.statistic
  extended_statistic  = startswith(each.value.statistic, "p") ? each.value.statistic : null
  period              = each.value.period_s
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.above
  datapoints_to_alarm = each.value.of[0]
  evaluation_periods  = each.value.of[1]
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_metric_alarm" "share_5xx" {
  alarm_name          = "${var.name}-share-of-5xx"
  alarm_description   = "More than one in a hundred requests ends with 5xx. Terra disables a destination after about a day of failures. Compare with the alarms of the functions; where they are silent, the gateway itself answers."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 1
  datapoints_to_alarm = 3
  evaluation_periods  = 5
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  metric_query {
    id          = "share"
    expression  = "100 * failed / all"
    label       = "5xx, percent"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { failed = "5xx", all = "Count" }

    content {
      id = metric_query.key

      metric {
        namespace   = local.gateway.namespace
        metric_name = metric_query.value
        dimensions  = local.gateway.dimensions
        stat        = "Sum"
        period      = 60
      }
    }
  }
}

# What the gateway answers itself on the way to the webhook no function ever sees: over what Lambda takes 500, throttled 429,
# over 10 MB 413. The access log has no status of the function's then, or one that ours never gives. Of 413 and of many 429 AWS promises no line at all:
# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-monitor.html
resource "aws_cloudwatch_log_metric_filter" "refused" {
  name           = "refused-by-the-gateway"
  log_group_name = var.access_log
  pattern        = "{ ($.route = \"ANY /webhook\") && ${join(" && ", [for status in local.answers : "($.function_status != \"${status}\")"])} }"

  metric_transformation {
    namespace = var.namespace
    name      = local.refused
    value     = "1"
    unit      = "Count"
  }
}

resource "aws_cloudwatch_metric_alarm" "silence" {
  count = var.silence_hours > 0 ? 1 : 0

  alarm_name          = "${var.name}-silence"
  alarm_description   = "No delivery for ${var.silence_hours} hours. Has Terra disabled the destination (it does after about a day of failures), or was its URL changed? Look in the Terra dashboard; `make smoke` sends a delivery of our own."
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  evaluation_periods  = var.silence_hours
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  metric_query {
    id          = "came"
    expression  = "FILL(stored, 0) + FILL(queued, 0) + FILL(ignored, 0) + FILL(quarantined, 0)"
    label       = "deliveries"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { stored = "DeliveriesStored", queued = "DeliveriesQueued", ignored = "DeliveriesIgnored", quarantined = "DeliveriesQuarantined" }

    content {
      id = metric_query.key

      metric {
        namespace   = local.own.namespace
        metric_name = metric_query.value
        stat        = "Sum"
        period      = 3600
      }
    }
  }
}

resource "aws_budgets_budget" "monthly" {
  count = var.monthly_budget > 0 && var.alarm_email != null ? 1 : 0

  name         = var.name
  budget_type  = "COST"
  limit_amount = tostring(var.monthly_budget)
  limit_unit   = "USD"
  time_unit    = "MONTHLY"

  cost_filter {
    name = "TagKeyValue"
    # `$$` before a brace would be a dollar and a brace.
    values = [join("$", ["user:environment", var.environment])]
  }

  notification {
    comparison_operator        = "GREATER_THAN"
    notification_type          = "FORECASTED"
    threshold                  = 100
    threshold_type             = "PERCENTAGE"
    subscriber_email_addresses = [var.alarm_email]
  }
}
