environment    = "prod"
region         = "eu-west-2"
production     = true
retention      = "keep"
silence_hours  = 6
monthly_budget = 100
# alarm_email  = "on-call@example.com"
