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

data "aws_caller_identity" "here" {}

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

  statement {
    sid       = "Bus"
    actions   = ["events:PutEvents"]
    resources = [aws_cloudwatch_event_bus.this.arn]
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

resource "aws_pipes_pipe" "this" {
  name       = "${var.name}-change-events"
  role_arn   = aws_iam_role.this.arn
  source     = var.stream_arn
  target     = aws_cloudwatch_event_bus.this.arn
  depends_on = [aws_iam_role_policy.this]

  source_parameters {
    dynamodb_stream_parameters {
      starting_position                  = "LATEST"
      maximum_retry_attempts             = 10
      on_partial_batch_item_failure      = "AUTOMATIC_BISECT"
      maximum_batching_window_in_seconds = 1
    }

    filter_criteria {
      # Records and connections; the log, requests and jobs are our own.
      filter {
        pattern = jsonencode({ dynamodb = { Keys = { record = { S = [{ "anything-but" = { prefix = ["log#", "request#", "job#"] } }] } } } })
      }
    }
  }

  target_parameters {
    eventbridge_event_bus_parameters {
      detail_type = "TerraceChange"
      source      = "terrace"
    }

    # Only who, which, and at which version: no health data. `record` is `<type>#<identifier>` or `connection`.
    input_template = <<-JSON
      {"change": <$.eventName>, "user_id": <$.dynamodb.Keys.user_id.S>, "record": <$.dynamodb.Keys.record.S>, "version": <$.dynamodb.NewImage.version.B>}
    JSON
  }
}

output "bus" {
  description = "The bus's name."
  value       = aws_cloudwatch_event_bus.this.name
}

output "template" {
  description = "What an event says."
  value       = one(aws_pipes_pipe.this.target_parameters).input_template
}
