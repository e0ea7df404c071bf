# The parameter that the signing secrets lie in. Its value never enters the state: `make secret` puts it.

variable "name" {
  description = "What the parameter is called."
  type        = string
}

variable "key_arn" {
  description = "What it is encrypted with."
  type        = string
}

resource "aws_ssm_parameter" "this" {
  name        = var.name
  description = "Terra's signing secrets: a JSON array, two while one is rotated. Set with `make secret`."
  type        = "SecureString"
  key_id      = var.key_arn

  # No secret, no service: with none the webhook does not start. A write-only value is not read back, so what `make
  # secret` puts there is left alone.
  value_wo         = "[]"
  value_wo_version = 1
}

output "name" {
  description = "The parameter's name."
  value       = aws_ssm_parameter.this.name
}

output "arn" {
  description = "The parameter's ARN."
  value       = aws_ssm_parameter.this.arn
}
