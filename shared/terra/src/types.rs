//! Every event type Terra was ever seen to send, with a safe place for the ones nobody knows yet.

use std::fmt;

/// The kinds of record. Their names are the same in Terra's events, in keys, in answers and in metrics.
///
/// Sorted by name, which is the order in which records are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DataType {
    /// A workout or other bounded activity.
    Activity,
    /// The account holder's profile; one per connection.
    Athlete,
    /// Body measurements of one day.
    Body,
    /// Totals of one day.
    Daily,
    /// A clinical observation.
    HealthObservation,
    /// A hormone reading.
    Hormone,
    /// A lab report that was read (`lab_report.completed`, and the older flat `lab_report`).
    LabReport,
    /// A lab report that could not be read (`lab_report.failed`). Apart from [`DataType::LabReport`], so that a
    /// failed second reading never replaces the results of the first.
    LabReportFailure,
    /// Menstruation data of one day.
    Menstruation,
    /// Nutrition of one day.
    Nutrition,
    /// A workout planned for a date.
    PlannedWorkout,
    /// One sleep, naps included.
    Sleep,
}

impl DataType {
    /// Every data type, in the order in which records are listed.
    pub const ALL: [Self; 12] = [
        Self::Activity,
        Self::Athlete,
        Self::Body,
        Self::Daily,
        Self::HealthObservation,
        Self::Hormone,
        Self::LabReport,
        Self::LabReportFailure,
        Self::Menstruation,
        Self::Nutrition,
        Self::PlannedWorkout,
        Self::Sleep,
    ];

    /// The name used in keys, answers and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Activity => "activity",
            Self::Athlete => "athlete",
            Self::Body => "body",
            Self::Daily => "daily",
            Self::HealthObservation => "health_observation",
            Self::Hormone => "hormone",
            Self::LabReport => "lab_report",
            Self::LabReportFailure => "lab_report_failure",
            Self::Menstruation => "menstruation",
            Self::Nutrition => "nutrition",
            Self::PlannedWorkout => "planned_workout",
            Self::Sleep => "sleep",
        }
    }

    /// The data type of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|data_type| data_type.name() == name)
    }

    /// Whether the identifier is the record's date, so that keys sort by date. The others carry an identifier of
    /// their own and are found by start through an index.
    pub const fn is_daily(self) -> bool {
        matches!(self, Self::Body | Self::Daily | Self::Menstruation | Self::Nutrition)
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

macro_rules! event_types {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),+ $(,)?) => {
        /// What an event's `type` says.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventType {
            $($(#[$doc])* $variant,)+
            /// A type this version has never heard of. It is kept, and can be replayed once a later one has.
            Unknown,
        }

        impl EventType {
            /// Every type known by name.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The type as Terra writes it; `unknown` for the ones nobody knows yet.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                    Self::Unknown => "unknown",
                }
            }

            /// Reads Terra's spelling, older ones included.
            pub fn from_name(name: &str) -> Self {
                match name {
                    $($name => Self::$variant,)+
                    "auth_success" => Self::Auth,
                    "auth_failed" | "auth_failure" => Self::AuthCancelled,
                    "connexion_error" => Self::ConnectionError,
                    "request_processing" => Self::LargeRequestProcessing,
                    "request_completed" => Self::LargeRequestSending,
                    "s3_upload" => Self::S3Payload,
                    _ => Self::Unknown,
                }
            }
        }
    };
}

event_types! {
    /// Activities.
    Activity = "activity",
    /// The athlete profile.
    Athlete = "athlete",
    /// Body measurements.
    Body = "body",
    /// Daily totals.
    Daily = "daily",
    /// Clinical observations.
    HealthObservation = "health_observation",
    /// Hormone readings.
    Hormone = "hormone",
    /// Menstruation data.
    Menstruation = "menstruation",
    /// Nutrition.
    Nutrition = "nutrition",
    /// Planned workouts.
    PlannedWorkout = "planned_workout",
    /// Sleeps.
    Sleep = "sleep",
    /// A lab report in the flat shape of June and July 2026.
    LabReport = "lab_report",
    /// A lab report was read.
    LabReportCompleted = "lab_report.completed",
    /// A lab report could not be read.
    LabReportFailed = "lab_report.failed",
    /// A user connected (or, in the old contract, failed to).
    Auth = "auth",
    /// A connection attempt that came to nothing.
    AuthCancelled = "auth_cancelled",
    /// The connection was removed.
    Deauth = "deauth",
    /// The same account connected again and has a new `user_id`.
    UserReauth = "user_reauth",
    /// Access was revoked at the provider.
    AccessRevoked = "access_revoked",
    /// The provider refuses Terra's token; may heal by itself.
    ConnectionError = "connection_error",
    /// The scopes changed.
    PermissionChange = "permission_change",
    /// A request over a long range is being prepared.
    LargeRequestProcessing = "large_request_processing",
    /// Its payloads are on their way.
    LargeRequestSending = "large_request_sending",
    /// Ping mode: the body lies behind a URL that expires.
    S3Payload = "s3_payload",
    /// A request is being worked on.
    Processing = "processing",
    /// A provider's rate limit was hit; Terra tries again.
    RateLimitHit = "rate_limit_hit",
    /// Google Fit has no data source for this user.
    GoogleNoDatasource = "google_no_datasource",
    /// Terra's health check.
    Healthcheck = "healthcheck",
    /// A failure at Terra's side.
    InternalServerError = "internal_server_error",
}

impl EventType {
    /// The kind of record an event of this type carries, if it carries records.
    pub const fn data_type(self) -> Option<DataType> {
        Some(match self {
            Self::Activity => DataType::Activity,
            Self::Athlete => DataType::Athlete,
            Self::Body => DataType::Body,
            Self::Daily => DataType::Daily,
            Self::HealthObservation => DataType::HealthObservation,
            Self::Hormone => DataType::Hormone,
            Self::Menstruation => DataType::Menstruation,
            Self::Nutrition => DataType::Nutrition,
            Self::PlannedWorkout => DataType::PlannedWorkout,
            Self::Sleep => DataType::Sleep,
            Self::LabReport | Self::LabReportCompleted => DataType::LabReport,
            Self::LabReportFailed => DataType::LabReportFailure,
            _ => return None,
        })
    }

    /// Whether this is one of the three shapes of lab report, whose envelope has no `user`.
    pub const fn is_lab_report(self) -> bool {
        matches!(self, Self::LabReport | Self::LabReportCompleted | Self::LabReportFailed)
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_types() {
        for &event_type in EventType::ALL {
            assert_eq!(EventType::from_name(event_type.name()), event_type);
        }
        for data_type in DataType::ALL {
            assert_eq!(DataType::from_name(data_type.name()), Some(data_type));
            assert!(!data_type.name().contains('#'), "a key is split at its first '#'");
        }
        assert_eq!(EventType::from_name("route"), EventType::Unknown);
        assert_eq!(EventType::from_name("unknown"), EventType::Unknown);
        assert_eq!(EventType::from_name("Activity"), EventType::Unknown);
    }

    #[test]
    fn data_types_are_listed_by_name() {
        assert!(DataType::ALL.windows(2).all(|pair| pair[0].name() < pair[1].name()));
    }
}
