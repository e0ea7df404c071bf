environment   = "prod"
region        = "eu-west-2"
production    = true
retention     = "keep"
silence_hours = 6
# Who is told of alarms, and above how many dollars a month.
# alarm_email    = "on-call@example.com"
# monthly_budget = 100
