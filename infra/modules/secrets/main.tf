# A parameter that a secret lies in. Its value never enters the state: `make secret` and `make terra-key` put it.

variable "name" {
  description = "What the parameter is called."
  type        = string
}

variable "description" {
  description = "What lies in it, and who puts it there."
  type        = string
}

variable "empty" {
  description = "What it holds until somebody puts something there; the code takes it for nothing."
  type        = string
}

variable "key_arn" {
  description = "What it is encrypted with."
  type        = string
}

resource "aws_ssm_parameter" "this" {
  name        = var.name
  description = var.description
  type        = "SecureString"
  key_id      = var.key_arn

  # A write-only value is not read back, so what is put there later is left alone.
  value_wo         = var.empty
  value_wo_version = 1

  lifecycle {
    # A change of these would be sent with an empty value, which AWS refuses: the value is not here.
    ignore_changes = [description, key_id]
  }
}

output "name" {
  description = "The parameter's name."
  value       = aws_ssm_parameter.this.name
}

output "arn" {
  description = "The parameter's ARN."
  value       = aws_ssm_parameter.this.arn
}

output "starts_as" {
  description = "What it holds until somebody puts something there."
  value       = var.empty
}
