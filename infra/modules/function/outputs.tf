output "name" {
  description = "The function's name."
  value       = aws_lambda_function.this.function_name
}

output "version" {
  description = "The newest version that Terraform published."
  value       = aws_lambda_function.this.version
}

output "alias" {
  description = "The alias that everybody calls."
  value = {
    name          = aws_lambda_alias.live.name
    arn           = aws_lambda_alias.live.arn
    invoke_arn    = aws_lambda_alias.live.invoke_arn
    function_name = aws_lambda_function.this.function_name
  }
}

output "role_arn" {
  description = "The function's role."
  value       = aws_iam_role.this.arn
}

output "log_group" {
  description = "Where its lines go."
  value       = aws_cloudwatch_log_group.this.name
}
