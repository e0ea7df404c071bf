# Changes for other systems, without code of ours: from the table's stream by a pipe to a bus. An event says which record
# or connection changed and at which version; who may know more asks the API.

variable "name" {
  description = "What the bus is called."
  type        = string
}

variable "stream_arn" {
  description = "The table's stream."
  type        = string
}

variable "key_arn" {
  description = "The key that the stream and the bus are encrypted with."
  type        = string
}

variable "alarms_topic" {
  description = "Who is told of changes that could not be told."
  type        = string
}

data "aws_caller_identity" "here" {}

locals {
  # Records and connections; the log, requests and jobs are our own. types.json is the code's own list, and a test of the
  # code fails where the two differ.
  types = jsondecode(file("${path.module}/types.json"))
  keys  = concat(["connection"], [for type in local.types : { prefix = "${type}#" }])
}

resource "aws_cloudwatch_event_bus" "this" {
  name               = var.name
  kms_key_identifier = var.key_arn
}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["pipes.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.here.account_id]
    }
  }
}

data "aws_iam_policy_document" "this" {
  statement {
    sid       = "Stream"
    actions   = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
    resources = [var.stream_arn]
  }

  # Pipes ask for it, and it cannot be kept to one table: it gives back which streams there are.
  # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-permissions.html
  statement {
    sid       = "Streams"
    actions   = ["dynamodb:ListStreams"]
    resources = ["*"]
  }

  statement {
    sid       = "Bus"
    actions   = ["events:PutEvents"]
    resources = [aws_cloudwatch_event_bus.this.arn]
  }

  statement {
    sid       = "DeadLetters"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.dead.arn]
  }

  statement {
    sid       = "Key"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [var.key_arn]
  }
}

resource "aws_iam_role" "this" {
  name               = "${var.name}-change-events"
  assume_role_policy = data.aws_iam_policy_document.assume.json
}

resource "aws_iam_role_policy" "this" {
  name   = "from-the-stream-to-the-bus"
  role   = aws_iam_role.this.id
  policy = data.aws_iam_policy_document.this.json
}

# Where the stream is told of that could not be told to the bus: shard and sequence numbers, no items.
resource "aws_sqs_queue" "dead" {
  name                      = "${var.name}-change-events-dead"
  kms_master_key_id         = var.key_arn
  message_retention_seconds = 14 * 24 * 60 * 60
}

resource "aws_cloudwatch_metric_alarm" "dead" {
  alarm_name          = "${var.name}-change-events-dead"
  alarm_description   = "Changes could not be told to the bus, ten times over. Nothing is lost here: who listens catches up with `updated_since` (docs/READING.md). The messages of ${aws_sqs_queue.dead.name} say when it was."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.dead.name }
  statistic           = "Maximum"
  period              = 60
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.alarms_topic]
  ok_actions          = [var.alarms_topic]
}

resource "aws_pipes_pipe" "this" {
  name       = "${var.name}-change-events"
  role_arn   = aws_iam_role.this.arn
  source     = var.stream_arn
  target     = aws_cloudwatch_event_bus.this.arn
  depends_on = [aws_iam_role_policy.this]

  source_parameters {
    dynamodb_stream_parameters {
      starting_position                  = "LATEST"
      batch_size                         = 10
      maximum_retry_attempts             = 10
      on_partial_batch_item_failure      = "AUTOMATIC_BISECT"
      maximum_batching_window_in_seconds = 1

      dead_letter_config {
        arn = aws_sqs_queue.dead.arn
      }
    }

    filter_criteria {
      # Pipes know prefix, and of anything-but only whole values:
      # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
      filter {
        pattern = jsonencode({ dynamodb = { Keys = { record = { S = local.keys } } } })
      }
    }
  }

  target_parameters {
    eventbridge_event_bus_parameters {
      detail_type = "TerraceChange"
      source      = "terrace"
    }

    # Only who, which, and at which version: no health data. `record` is `<type>#<identifier>` or `connection`. What is not
    # there is left empty: a connection has no version, and neither has what was removed.
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-input-transformation.html
    input_template = <<-JSON
      {"change": "<$.eventName>", "user_id": "<$.dynamodb.Keys.user_id.S>", "record": "<$.dynamodb.Keys.record.S>", "version": "<$.dynamodb.NewImage.version.B>"}
    JSON
  }
}

output "bus" {
  description = "The bus's name."
  value       = aws_cloudwatch_event_bus.this.name
}

output "keys" {
  description = "Sort keys of items whose changes are told: whole ones, and what others begin with."
  value       = local.keys
}

output "template" {
  description = "What an event says."
  value       = one(aws_pipes_pipe.this.target_parameters).input_template
}
