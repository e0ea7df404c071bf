output "id" {
  description = "The API's id."
  value       = aws_apigatewayv2_api.this.id
}

output "url" {
  description = "Where it answers."
  value       = var.domain == null ? aws_apigatewayv2_api.this.api_endpoint : "https://${var.domain.name}"
}

output "domain_target" {
  description = "What the DNS of the domain points at; null without one."
  value       = one(aws_apigatewayv2_domain_name.this[*].domain_name_configuration[0].target_domain_name)
}

output "routes" {
  description = "The routes, for the tests of the stack."
  value       = aws_apigatewayv2_route.this
}

output "access_log" {
  description = "The name of the group that the access log goes to."
  value       = aws_cloudwatch_log_group.access.name
}

output "access_log_format" {
  description = "What a line of the access log holds."
  value       = one(aws_apigatewayv2_stage.this.access_log_settings).format
}
