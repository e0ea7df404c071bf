# The view and the smaller tier of the log: one table. Its attributes are those of shared/store/src/schema.rs.

variable "name" {
  description = "What the table is called."
  type        = string
}

variable "key_arn" {
  description = "What it is encrypted with."
  type        = string
}

variable "deletion_protection" {
  description = "Whether it cannot be deleted."
  type        = bool
}

variable "stream" {
  description = "Whether changes are streamed."
  type        = bool
}

locals {
  # Sparse, and of keys only: what is listed is then read by its key.
  indexes = {
    by_start      = { hash = "user_id", range = "start_key" }
    by_reference  = { hash = "reference", range = "user_id" }
    by_quarantine = { hash = "quarantine_day", range = "record" }
  }
}

resource "aws_dynamodb_table" "this" {
  name                        = var.name
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "user_id"
  range_key                   = "record"
  deletion_protection_enabled = var.deletion_protection
  stream_enabled              = var.stream
  stream_view_type            = var.stream ? "NEW_IMAGE" : null

  dynamic "attribute" {
    for_each = toset(["user_id", "record", "start_key", "reference", "quarantine_day"])

    content {
      name = attribute.key
      type = "S"
    }
  }

  dynamic "global_secondary_index" {
    for_each = local.indexes

    content {
      name            = global_secondary_index.key
      hash_key        = global_secondary_index.value.hash
      range_key       = global_secondary_index.value.range
      projection_type = "KEYS_ONLY"
    }
  }

  ttl {
    attribute_name = "expires_at"
    enabled        = true
  }

  # Erases of after the moment that is restored are done again from the ledger: docs/OPERATIONS.md.
  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = var.key_arn
  }
}

output "name" {
  description = "The table's name."
  value       = aws_dynamodb_table.this.name
}

output "arn" {
  description = "The table's ARN."
  value       = aws_dynamodb_table.this.arn
}

output "stream_arn" {
  description = "The ARN of its stream; empty without one."
  value       = aws_dynamodb_table.this.stream_arn
}

output "table" {
  description = "The table, for the tests of the stack."
  value       = aws_dynamodb_table.this
}
