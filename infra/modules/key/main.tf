# One key for everything of an environment that is encrypted at rest. DynamoDB, S3 and SQS ask for a data key now and
# then, not for each request.

variable "name" {
  description = "What the key is called."
  type        = string
}

variable "region" {
  description = "The region, by whose name CloudWatch Logs uses the key."
  type        = string
}

variable "bus_arn" {
  description = "The bus whose events it encrypts; null without one. Composed from its name, since the bus itself needs the key."
  type        = string
}

data "aws_caller_identity" "here" {}

data "aws_partition" "here" {}

data "aws_iam_policy_document" "key" {
  #checkov:skip=CKV_AWS_109:a key policy speaks of its own key, and the account has to be able to manage it
  #checkov:skip=CKV_AWS_111:a key policy speaks of its own key
  #checkov:skip=CKV_AWS_356:in a key policy `*` is the key itself
  statement {
    sid       = "TheAccountManagesIt"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${data.aws_partition.here.partition}:iam::${data.aws_caller_identity.here.account_id}:root"]
    }
  }

  statement {
    sid       = "LogsAreEncrypted"
    actions   = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["logs.${var.region}.amazonaws.com"]
    }

    condition {
      test     = "ArnLike"
      variable = "kms:EncryptionContext:aws:logs:arn"
      values   = ["arn:${data.aws_partition.here.partition}:logs:${var.region}:${data.aws_caller_identity.here.account_id}:log-group:/terrace/${var.name}/*"]
    }
  }

  # Alarms reach an encrypted topic only so.
  statement {
    sid       = "AlarmsArePublished"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey*"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.here.account_id]
    }
  }

  # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-encryption-event-bus-cmkey.html
  dynamic "statement" {
    for_each = var.bus_arn == null ? {} : {
      TheBusLooksAtIt    = { actions = ["kms:DescribeKey"], variable = "aws:SourceAccount", value = data.aws_caller_identity.here.account_id }
      EventsAreEncrypted = { actions = ["kms:Decrypt", "kms:GenerateDataKey"], variable = "kms:EncryptionContext:aws:events:event-bus:arn", value = var.bus_arn }
    }

    content {
      sid       = statement.key
      actions   = statement.value.actions
      resources = ["*"]

      principals {
        type        = "Service"
        identifiers = ["events.amazonaws.com"]
      }

      condition {
        test     = "StringEquals"
        variable = statement.value.variable
        values   = [statement.value.value]
      }
    }
  }
}

resource "aws_kms_key" "this" {
  description             = "Terrace: ${var.name}"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = data.aws_iam_policy_document.key.json
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.name}"
  target_key_id = aws_kms_key.this.key_id
}

output "arn" {
  description = "The key's ARN."
  value       = aws_kms_key.this.arn
}
