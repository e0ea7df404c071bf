//! What Terra has to say about one person's data over a number of days.

use crate::simulate::draft::{Content, Draft, FLAT_LAB_REPORT};
use crate::simulate::growth::at_stage;
use crate::simulate::json::{Json, object, text, whole};
use crate::simulate::people::Person;
use crate::simulate::random::{happens, snowflake, uuid};
use crate::simulate::shapes::{days, others, scores, sessions};
use fastrand::Rng;
use jiff::civil::Date;
use terrace_terra::EventType;

/// The minutes of a day.
pub const DAY: u32 = 24 * 60;

/// A life under construction.
pub struct Life<'a> {
    /// Where chance comes from.
    pub rng: &'a mut Rng,
    /// Whose it is.
    pub person: &'a Person,
    /// What was drafted.
    pub drafts: Vec<Draft>,
}

impl<'a> Life<'a> {
    /// A life that nothing is known of yet.
    pub fn new(rng: &'a mut Rng, person: &'a Person) -> Self {
        Self { rng, person, drafts: Vec::new() }
    }

    /// Drafts at a minute.
    pub fn add(&mut self, minute: u32, name: &'static str, content: Content) {
        self.drafts.push(Draft::new(minute, name, content));
    }

    /// Drafts the copies of a record: as many as there are minutes, the last of them the whole.
    fn copies(&mut self, event_type: EventType, record: &Json, minutes: &[u32]) {
        let mut before: Option<Json> = None;
        for (at, &minute) in minutes.iter().enumerate() {
            let mut copy = at_stage(record, at + 1, minutes.len());
            scores::enrich(self.rng, event_type, &mut copy);
            let mut elements = vec![copy.clone()];
            // Now and then a body has a record twice, the lesser copy first or last.
            if let Some(before) = before.replace(copy).filter(|_| happens(self.rng, 0.03)) {
                elements.insert(usize::from(self.rng.bool()), before);
            }
            let mut draft = Draft::new(minute, event_type.name(), Content::Data(elements));
            if at > 0 && happens(self.rng, 0.1) {
                draft.minute = minutes.get(at - 1).copied().unwrap_or(minute);
                draft.together = true;
            }
            self.drafts.push(draft);
        }
    }

    /// Everything about `number` days from `start`.
    pub fn live(&mut self, start: Date, number: u32) {
        let mut date = start;
        for day in 1..=number {
            self.day(date, day * DAY);
            date = date.tomorrow().unwrap_or(date);
        }
        let first = others::athlete(self.rng);
        self.add(12, "athlete", Content::Athlete(at_stage(&first, 1, 2)));
        let athlete = others::athlete(self.rng);
        self.add(number * DAY / 2, "athlete", Content::Athlete(at_stage(&athlete, 1, 2)));
        self.add(number * DAY, "athlete", Content::Athlete(athlete));
        self.lab(start, number * DAY);
    }

    fn day(&mut self, date: Date, begins: u32) {
        let daily = days::daily(self.rng, self.person, date, 1_800, 48);
        let updates = self.rng.u32(1..=3);
        let mut minutes: Vec<u32> = (1..=updates).map(|at| begins + at * 300 + self.rng.u32(0..200)).collect();
        minutes.push(begins + DAY + self.rng.u32(60..600));
        self.copies(EventType::Daily, &daily, &minutes);

        let sleep = sessions::sleep(self.rng, self.person, date, false);
        let woken = begins + self.rng.u32(420..600);
        self.copies(EventType::Sleep, &sleep, &[woken, woken + 40]);
        if happens(self.rng, 0.1) {
            let nap = sessions::sleep(self.rng, self.person, date, true);
            self.copies(EventType::Sleep, &nap, &[begins + 1_000]);
        }
        if happens(self.rng, 0.6) {
            self.activity(date, begins);
        }
        if happens(self.rng, 0.5) {
            let body = days::body(self.rng, self.person, date);
            self.copies(EventType::Body, &body, &[begins + 480, begins + 1_100]);
        }
        if happens(self.rng, 0.7) {
            let nutrition = days::nutrition(self.rng, self.person, date);
            self.copies(EventType::Nutrition, &nutrition, &[begins + 510, begins + 780, begins + 1_200]);
        }
        if self.person.index % 2 == 1 {
            let menstruation = days::menstruation(self.rng, self.person, date);
            self.copies(EventType::Menstruation, &menstruation, &[begins + 450]);
        }
        self.rare(date, begins);
    }

    fn activity(&mut self, date: Date, begins: u32) {
        let samples = self.rng.u32(0..120);
        let activity = sessions::activity(self.rng, self.person, date, samples);
        let ended = begins + 900;
        self.copies(EventType::Activity, &activity, &[ended, ended + 25]);
        if happens(self.rng, 0.12) {
            self.mark(EventType::Activity, &activity, "metadata", "upload_type", 4, ended + 300);
            if happens(self.rng, 0.4) {
                self.mark(EventType::Activity, &activity, "metadata", "upload_type", 3, ended + 400);
            }
        }
    }

    fn rare(&mut self, date: Date, begins: u32) {
        if happens(self.rng, 0.12) {
            let planned = others::planned_workout(self.rng, self.person, date);
            self.copies(EventType::PlannedWorkout, &planned, &[begins + 200, begins + 1_300]);
        }
        if self.person.index.is_multiple_of(3) && happens(self.rng, 0.4) {
            let hormone = others::hormone(self.rng, self.person, date);
            self.copies(EventType::Hormone, &hormone, &[begins + 430]);
        }
        if happens(self.rng, 0.15) {
            let observation = others::health_observation(self.rng, self.person, date);
            self.copies(EventType::HealthObservation, &observation, &[begins + 700]);
            // Amended, then perhaps entered in error.
            self.mark(EventType::HealthObservation, &observation, "observation_data", "status", 2, begins + 800);
            if happens(self.rng, 0.5) {
                self.mark(EventType::HealthObservation, &observation, "observation_data", "status", 3, begins + 900);
            }
        }
    }

    /// Drafts a copy with one member of a section set: a delete mark, an amendment.
    fn mark(&mut self, event_type: EventType, record: &Json, section: &str, member: &str, value: u8, minute: u32) {
        let mut marked = record.clone();
        marked.set_in(section, member, whole(value));
        self.copies(event_type, &marked, &[minute]);
    }

    /// Lab reports: one that is read at once, and one that is read at the second attempt, then once more.
    fn lab(&mut self, date: Date, ends: u32) {
        let Some(reference) = self.person.reference_id.clone() else { return };
        let (first, second) = (snowflake(self.rng), snowflake(self.rng));
        let report = others::lab_report(self.rng, &reference, &first, date);
        self.add(ends / 3, "lab_report.completed", Content::Lab(report));
        self.add(ends / 3, "lab_report.failed", Content::Lab(others::lab_report_failure(&reference, &second)));
        for at in [ends / 2, ends] {
            let report = others::lab_report(self.rng, &reference, &second, date);
            self.add(at, "lab_report.completed", Content::Lab(report));
        }
        if self.person.index % 4 == 1 {
            let session = snowflake(self.rng);
            let report = others::lab_report(self.rng, &reference, &session, date);
            self.add(ends / 4, FLAT_LAB_REPORT, Content::Lab(report));
        }
    }

    /// A day with a heart rate every second, several megabytes of it.
    pub fn large_day(&mut self, date: Date, minute: u32) {
        let daily = days::daily(self.rng, self.person, date, 1, 43_200);
        self.copies(EventType::Daily, &daily, &[minute, minute + 600]);
    }

    /// More records in one body than are applied before the answer, several megabytes of them.
    pub fn large_list(&mut self, date: Date, minute: u32) {
        let records = (0..260).map(|_| sessions::activity(self.rng, self.person, date, 110)).collect();
        self.add(minute, "activity", Content::Data(records));
    }

    /// A delivery in which one element cannot be told from others.
    pub fn unidentified(&mut self, date: Date, minute: u32) {
        let mut sleep = sessions::sleep(self.rng, self.person, date, true);
        let nameless = object([("metadata", object([("upload_type", whole(1))])), ("note", text("no identifier"))]);
        sleep.set_in("metadata", "summary_id", text(uuid(self.rng)));
        self.add(minute, "sleep", Content::Data(vec![sleep, nameless]));
    }
}
