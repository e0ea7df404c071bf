# One dashboard, made from the code's own list of metrics: metrics.json is that list, and a test of the code fails where
# the two differ.

locals {
  metrics = jsondecode(file("${path.module}/metrics.json"))
  counts  = [for metric in local.metrics : metric.name if metric.unit == "Count"]

  groups = {
    "Deliveries" = [for name in local.counts : name if startswith(name, "Deliveries")]
    "Signatures" = [for name in local.counts : name if startswith(name, "Signature")]
    "Records"    = [for name in local.counts : name if startswith(name, "Records")]
    "Jobs"       = [for name in local.counts : name if startswith(name, "Jobs") || startswith(name, "Pings")]
  }
  grouped = flatten(values(local.groups))
  others  = [for name in local.counts : name if !contains(local.grouped, name)]
  times   = [for metric in local.metrics : metric.name if metric.unit != "Count"]

  panels = concat(
    [for title, names in merge(local.groups, { "Other" = local.others }) : {
      title = title, stat = "Sum", metrics = [for name in names : [var.namespace, name]]
    }],
    [for name in local.times : {
      title   = "${name}, p50 and p99", stat = "p99"
      metrics = [[var.namespace, name, { stat = "p50" }], [var.namespace, name, { stat = "p99" }]]
    }],
    [
      { title = "Gateway", stat = "Sum", metrics = [for metric in ["Count", "4xx", "5xx"] : ["AWS/ApiGateway", metric, "ApiId", var.api_id]] },
      { title = "Function errors and throttles", stat = "Sum", metrics = concat([for name in values(var.functions) : [for metric in ["Errors", "Throttles"] : ["AWS/Lambda", metric, "FunctionName", name]]]...) },
      { title = "Concurrent executions", stat = "Maximum", metrics = [for name in values(var.functions) : ["AWS/Lambda", "ConcurrentExecutions", "FunctionName", name]] },
      { title = "Jobs waiting and dead", stat = "Maximum", metrics = [for name in concat(values(var.queues), values(var.dead_letters)) : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", name]] },
      { title = "Table: units consumed", stat = "Sum", metrics = [for metric in ["ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"] : ["AWS/DynamoDB", metric, "TableName", var.table]] },
    ],
  )
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name

  dashboard_body = jsonencode({
    widgets = [for at, panel in local.panels : {
      type   = "metric"
      x      = at % 2 * 12
      y      = floor(at / 2) * 6
      width  = 12
      height = 6
      properties = {
        title   = panel.title
        region  = var.region
        period  = 300
        stat    = panel.stat
        metrics = panel.metrics
      }
    }]
  })
}
