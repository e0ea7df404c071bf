//! The bill of one case, line by line.

use crate::cost::bill::{Bill, Case, Group, bill, round_ms, table_bytes};
use crate::cost::kinds::Measured;
use crate::cost::others;
use crate::cost::show;
use serde_json::{Value, json};

/// Groups, and what they are called.
pub const GROUPS: [(Group, &str); 4] = [
    (Group::Requests, "each delivery"),
    (Group::Round, "the daily round"),
    (Group::Storage, "what is kept"),
    (Group::Fixed, "each month"),
];

/// For people.
pub fn text(measured: &Measured, case: &Case) -> String {
    let own = bill(&measured.demand, case);
    let mut rows = Vec::new();
    for (group, name) in GROUPS {
        for line in own.0.iter().filter(|line| line.group == group && line.quantity > 0.0) {
            let quantity = format!("{} {}", quantity(line.quantity), line.price.unit);
            rows.push(vec![format!("{name}: {}", line.what), quantity, show::dollars(line.dollars())]);
        }
    }
    let table = show::table(&["for", "of it", "a month"], rows);
    let demand = &measured.demand;
    let head = format!(
        "{} deliveries a month from {} users, {}: {} a body; {} days of deliveries so far, {} of them in the log.",
        show::thousands(case.deliveries),
        show::thousands(case.users),
        measured.name,
        show::bytes(demand.body_bytes),
        case.days,
        case.log_days.min(case.days),
    );
    let sums = GROUPS.map(|(group, name)| format!("{name} {}", show::dollars(own.of(group)))).join(", ");
    let others = beside(measured, case, &own).map(|(name, bill)| format!("{name} {}", show::dollars(bill.total())));
    let hours = round_ms(demand, case, table_bytes(demand, case)) / 3_600_000.0;
    format!(
        "{head}\n\n{table}\n\nIn all {} a month: {sums}.\nThe free tier takes off {} at most. The daily round takes about \
         {hours:.1} h.\nOther designs, without what is charged each month: {}.\n",
        show::dollars(own.total()),
        show::dollars(own.free()),
        others.join(", "),
    )
}

fn quantity(quantity: f64) -> String {
    if quantity < 100.0 { show::mean(quantity) } else { show::thousands(quantity) }
}

/// For programs.
pub fn json(measured: &Measured, case: &Case) -> String {
    let own = bill(&measured.demand, case);
    let lines: Vec<Value> = own
        .0
        .iter()
        .map(|line| {
            json!({
                "group": line.group, "for": line.what, "price": line.price.what, "quantity": line.quantity,
                "unit": line.price.unit, "dollars": line.dollars(),
            })
        })
        .collect();
    let sums: serde_json::Map<_, _> = GROUPS
        .into_iter()
        .filter_map(|(group, _)| Some((json!(group).as_str()?.to_owned(), json!(own.of(group)))))
        .collect();
    let others: serde_json::Map<_, _> =
        beside(measured, case, &own).into_iter().map(|(name, bill)| (name.to_owned(), json!(bill.total()))).collect();
    let report = json!({
        "case": case, "deliveries_are": measured.name, "demand": measured.demand, "lines": lines, "sums": sums,
        "total": own.total(), "free_tier_takes_off": own.free(), "other_designs": others,
    });
    format!("{report:#}")
}

/// The same by other designs.
pub fn beside(measured: &Measured, case: &Case, own: &Bill) -> [(&'static str, Bill); 3] {
    let demand = &measured.demand;
    [
        ("whole JSON in DynamoDB", others::whole_in_table(demand, case)),
        ("JSON in S3 per delivery", others::whole_in_objects(demand, case)),
        ("Terrace in containers", others::containers(own, demand, case)),
    ]
}
