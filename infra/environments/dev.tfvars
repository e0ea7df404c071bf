environment = "dev"
region      = "eu-west-2"
production  = false
# A developer's Terra environment may be quiet for days.
silence_hours = 0
