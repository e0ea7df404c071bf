output "alarms_topic" {
  description = "Where alarms go."
  value       = aws_sns_topic.alarms.arn
}

output "dashboard" {
  description = "The dashboard's name."
  value       = aws_cloudwatch_dashboard.this.dashboard_name
}

output "panels" {
  description = "The dashboard's panels, for the tests of the stack."
  value       = local.panels
}

output "budget_tags" {
  description = "What the budget counts, for the tests of the stack."
  value       = flatten(aws_budgets_budget.monthly[*].cost_filter[*].values)
}

output "alarms" {
  description = "The alarms on one metric, by what they watch."
  value       = aws_cloudwatch_metric_alarm.simple
}
