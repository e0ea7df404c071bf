# A function, its role, its lines, and the alias that everybody calls.

# Before the function: Lambda would make it itself, without an end to what is kept.
resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_338:lines hold counts and durations, and are kept for as long as the deliveries that they speak of
  name              = "/terrace/${replace(var.name, "/^(terrace-[a-z0-9-]+)-([a-z]+)$/", "$1/$2")}"
  retention_in_days = var.retention_days
  kms_key_id        = var.key_arn
}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "this" {
  statement {
    sid       = "Lines"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.this.arn}:*"]
  }

  dynamic "statement" {
    for_each = var.statements

    content {
      sid       = title(statement.key)
      actions   = statement.value.actions
      resources = statement.value.resources

      dynamic "condition" {
        for_each = statement.value.prefixes == null ? [] : [statement.value.prefixes]

        content {
          # IfExists: who asks for an object that is gone needs this permission to be told so, and names no prefix then.
          test     = "StringLikeIfExists"
          variable = "s3:prefix"
          values   = condition.value
        }
      }
    }
  }
}

resource "aws_iam_role" "this" {
  name               = var.name
  assume_role_policy = data.aws_iam_policy_document.assume.json
}

resource "aws_iam_role_policy" "this" {
  name   = "calls"
  role   = aws_iam_role.this.id
  policy = data.aws_iam_policy_document.this.json
}

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_117:nothing that it calls lies in a VPC; one would add a gateway's price and a slower start
  #checkov:skip=CKV_AWS_272:bundles are built and shipped by whoever may deploy; a second signature would be theirs too
  #checkov:skip=CKV_AWS_116:it is invoked synchronously, or by a queue that has its own dead letters
  #checkov:skip=CKV_AWS_115:a limit of its own takes from the account's and turns a burst into throttled deliveries
  #checkov:skip=CKV_AWS_50:traces are charged by the request; each delivery's line has its durations
  function_name    = var.name
  role             = aws_iam_role.this.arn
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = [var.architecture]
  filename         = var.bundle
  source_code_hash = filebase64sha256(var.bundle)
  memory_size      = var.memory_mb
  timeout          = var.timeout_s
  kms_key_arn      = var.key_arn
  publish          = true

  reserved_concurrent_executions = var.reserved_concurrency == null ? -1 : var.reserved_concurrency

  environment {
    variables = var.environment
  }

  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.this.name
    # Lambda's own lines for each invocation would be as long as ours; CloudWatch has their figures as metrics anyway.
    system_log_level = "WARN"
  }

  depends_on = [aws_iam_role_policy.this]
}

# Which version is live is for `make deploy`, `make ship` and `make rollback` to say: Terraform makes the alias and then
# leaves it where it is, so that a plan never undoes a roll-back.
resource "aws_lambda_alias" "live" {
  name             = "live"
  function_name    = aws_lambda_function.this.function_name
  function_version = aws_lambda_function.this.version

  lifecycle {
    ignore_changes = [function_version, routing_config]
  }
}
