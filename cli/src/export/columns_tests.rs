//! What becomes of summaries in rows.

use super::*;

fn going() -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn csv(lines: &str) -> String {
    let columns = Columns::of(lines.as_bytes(), &going).unwrap().unwrap();
    let mut rows = Vec::new();
    assert!(columns.write(lines.as_bytes(), &mut rows, &going).unwrap());
    String::from_utf8(rows).unwrap()
}

#[test]
fn every_value_has_a_column_and_every_row_all_columns() {
    let lines = concat!(
        r#"{"user_id":"u,1","reference_id":null,"type":"daily","id":"2026-07-01","start_time":"s","end_time":null,"provider":"GARMIN","updated_at":"t","summary":{"distance_data":{"steps":12345678901234567890.10,"swimming":{}},"tags":["a","b"]}}"#,
        "\n",
        r#"{"user_id":"u2","reference_id":"r","type":"daily","id":"i","start_time":"s","end_time":"e","provider":null,"updated_at":"t","summary":{"id":7,"metadata":{"name":"a \"b\"\n"},"ok":true}}"#,
        "\n",
    );
    assert_eq!(
        csv(lines),
        "user_id,reference_id,type,id,start_time,end_time,provider,updated_at,distance_data.steps,summary.id,metadata.name,ok,tags\n\
         \"u,1\",,daily,2026-07-01,s,,GARMIN,t,12345678901234567890.10,,,,\"[\"\"a\"\",\"\"b\"\"]\"\n\
         u2,r,daily,i,s,e,,t,,7,\"a \"\"b\"\"\n\",true,\n"
    );
}

#[test]
fn more_values_than_columns_are_kept_as_json() {
    let members: Vec<String> = (0..MAX_COLUMNS + 2).map(|at| format!("\"v{at:05}\":{at}")).collect();
    let text = csv(&format!("{{\"user_id\":\"u\",\"summary\":{{{}}}}}\n", members.join(",")));
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    assert_eq!(rows.headers().unwrap().len(), FIXED.len() + MAX_COLUMNS + 1);
    let row = rows.records().next().unwrap().unwrap();
    assert_eq!(row.iter().next_back(), Some(r#"{"v01000":1000,"v01001":1001}"#));
    assert_eq!(row.get(FIXED.len()), Some("0"));
}

#[test]
fn somebody_may_want_an_end() {
    let stop = || ControlFlow::Break(());
    assert_eq!(Columns::of(&b"{}\n"[..], &stop).unwrap(), None);
    assert!(!Columns::default().write(&b"{}\n"[..], Vec::new(), &stop).unwrap());
}

#[test]
fn a_full_disk_is_known_as_one() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    // More than what is held back before it is written.
    let lines = "{\"user_id\":\"u\"}\n".repeat(10_000);
    let error = Columns::default().write(lines.as_bytes(), Full, &going).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
}
