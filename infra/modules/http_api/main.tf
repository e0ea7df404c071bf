# The HTTP API: deliveries in, questions answered.

locals {
  functions = { webhook = var.webhook, query = var.query }

  # /webhook is open because its signature is its authorisation, /health because it says nothing. Whatever else is asked
  # reads or erases health data.
  routes = {
    "ANY /webhook" = { function = "webhook", authorisation = "NONE" }
    "GET /health"  = { function = "query", authorisation = "NONE" }
    "$default"     = { function = "query", authorisation = "AWS_IAM" }
  }
}

resource "aws_apigatewayv2_api" "this" {
  name          = var.name
  description   = "Terra's deliveries, and what was made of them."
  protocol_type = "HTTP"
  # With a domain of one's own the other name leads nowhere.
  disable_execute_api_endpoint = var.domain != null
}

resource "aws_apigatewayv2_integration" "this" {
  for_each = local.functions

  api_id                 = aws_apigatewayv2_api.this.id
  integration_type       = "AWS_PROXY"
  integration_uri        = each.value.invoke_arn
  payload_format_version = "2.0"
  timeout_milliseconds   = each.key == "webhook" ? 10000 : 30000
}

resource "aws_apigatewayv2_route" "this" {
  #checkov:skip=CKV_AWS_309:only /webhook and /health are open: the first has its signature, the second says nothing
  for_each = local.routes

  api_id             = aws_apigatewayv2_api.this.id
  route_key          = each.key
  target             = "integrations/${aws_apigatewayv2_integration.this[each.value.function].id}"
  authorization_type = each.value.authorisation
}

resource "aws_lambda_permission" "this" {
  for_each = local.functions

  statement_id  = "api"
  action        = "lambda:InvokeFunction"
  function_name = each.value.function_name
  qualifier     = each.value.name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.this.execution_arn}/*/*"
}

resource "aws_cloudwatch_log_group" "access" {
  #checkov:skip=CKV_AWS_338:lines hold statuses, sizes and latencies, and are kept for as long as the deliveries are
  name              = "/terrace/${var.name}/access"
  retention_in_days = var.retention_days
  kms_key_id        = var.key_arn
}

resource "aws_apigatewayv2_stage" "this" {
  api_id      = aws_apigatewayv2_api.this.id
  name        = "$default"
  auto_deploy = true

  default_route_settings {
    throttling_rate_limit  = var.throttling.rate
    throttling_burst_limit = var.throttling.burst
  }

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn
    # The route as it is written here, never a path: paths name people. No address either.
    format = jsonencode({
      time   = "$context.requestTime"
      route  = "$context.routeKey"
      status = "$context.status"
      # What the function said itself; `$context.integrationStatus` is what Lambda said of calling it.
      function_status     = "$context.integration.status"
      response_bytes      = "$context.responseLength"
      latency_ms          = "$context.responseLatency"
      integration_latency = "$context.integrationLatency"
      request_id          = "$context.requestId"
    })
  }
}

resource "aws_apigatewayv2_domain_name" "this" {
  count       = var.domain == null ? 0 : 1
  domain_name = var.domain.name

  domain_name_configuration {
    certificate_arn = var.domain.certificate_arn
    endpoint_type   = "REGIONAL"
    security_policy = "TLS_1_2"
  }
}

resource "aws_apigatewayv2_api_mapping" "this" {
  count       = var.domain == null ? 0 : 1
  api_id      = aws_apigatewayv2_api.this.id
  domain_name = aws_apigatewayv2_domain_name.this[0].id
  stage       = aws_apigatewayv2_stage.this.id
}
