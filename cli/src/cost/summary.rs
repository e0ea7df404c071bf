//! The page in a few sentences, with its own figures.

use crate::cost::bill::{Bill, Case, Group, Line, bill, round_ms, table_bytes};
use crate::cost::kinds::Measured;
use crate::cost::others;
use crate::cost::prices::{S3_COLD_GB, S3_GB};
use crate::cost::show::{deliveries, dollars, thousands};

/// The sentences: of the mix, and of small, medium and large days, for one number of deliveries.
pub fn sentences(months: &[Measured], case: impl Fn(&Measured) -> Case) -> String {
    let said: Vec<_> = months.iter().map(|measured| Said::of(measured, case(measured))).collect();
    let [mix, small, .., large] = said.as_slice() else { return String::new() };
    let items = [mix.month(), mix.idle(), small.beside(), large.beside(), mix.round(), large.tier()];
    items.map(|item| format!("- {item}")).join("\n")
}

struct Said<'m> {
    measured: &'m Measured,
    case: Case,
    bill: Bill,
}

impl<'m> Said<'m> {
    fn of(measured: &'m Measured, case: Case) -> Self {
        Self { measured, case, bill: bill(&measured.demand, &case) }
    }

    fn called(&self) -> String {
        format!("{} deliveries a month ({})", deliveries(self.case.deliveries), self.measured.name)
    }

    fn group(&self, group: Group) -> String {
        dollars(self.bill.of(group))
    }

    fn month(&self) -> String {
        format!(
            "{} come to {}: {} for the deliveries themselves, {} for the daily round, {} for what is kept, {} whatever comes. \
             That is {} for a thousand users.",
            self.called(),
            dollars(self.bill.total()),
            self.group(Group::Requests),
            self.group(Group::Round),
            self.group(Group::Storage),
            self.group(Group::Fixed),
            dollars(self.bill.total() / self.case.users * 1_000.0),
        )
    }

    fn idle(&self) -> String {
        let idle = Bill(self.bill.0.iter().filter(|line| line.group == Group::Fixed).copied().collect());
        format!(
            "An environment that nothing comes to costs {}, most of it for watching; where nothing else in the account uses \
             the free tier, that takes off {}.",
            dollars(idle.total()),
            dollars(idle.free())
        )
    }

    fn beside(&self) -> String {
        let (demand, case) = (&self.measured.demand, &self.case);
        let of = |bill: &Bill| dollars(bill.of(Group::Requests));
        format!(
            "Each delivery of {}, a million times, costs {}; the whole JSON in DynamoDB {}, the JSON in S3 {}.",
            self.measured.name,
            of(&self.bill),
            of(&others::whole_in_table(demand, case)),
            of(&others::whole_in_objects(demand, case))
        )
    }

    fn round(&self) -> String {
        let demand = &self.measured.demand;
        let hours = round_ms(demand, &self.case, table_bytes(demand, &self.case)) / 3_600_000.0;
        let most = self.case.deliveries * 24.0 / hours / 1e6;
        format!(
            "The daily round reads the whole table: {} of this. With more than about {} M deliveries a month it would take \
             longer than a day.",
            self.group(Group::Round),
            thousands(most)
        )
    }

    /// Whether moving objects to the cheaper tier pays.
    fn tier(&self) -> String {
        let lines = || self.bill.0.iter().filter(|line| line.group == Group::Storage);
        let cold = |line: &&Line| line.price.what == S3_COLD_GB.what;
        let moving =
            lines().filter(|line| line.what.starts_with("objects moved")).map(|line| line.dollars()).sum::<f64>();
        let there: f64 = lines().filter(cold).map(|line| line.dollars()).sum();
        let stays =
            lines().filter(cold).filter(|line| !line.what.contains("early")).map(|line| S3_GB.of(line.quantity));
        format!(
            "Moving objects of {} to the cheaper tier costs {} a month, with what they cost there; left where they are they \
             would cost {}.",
            self.measured.name,
            dollars(moving + there),
            dollars(stays.sum())
        )
    }
}
