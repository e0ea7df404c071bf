//! What other systems are told of: every type of record, and no other item of the table.

use terrace_terra::DataType;

#[test]
fn the_stack_tells_of_every_type_that_the_code_knows() {
    const LISTED: &str = include_str!("../../infra/modules/change_events/types.json");
    let listed: Vec<String> = serde_json::from_str(LISTED).unwrap();
    assert!(listed.iter().eq(DataType::ALL.iter().map(|one| one.name())), "write the list anew, in this order");
}
