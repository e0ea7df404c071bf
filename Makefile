.PHONY: run test
run:
	cargo run --locked -p terrace-cli --bin terrace -- serve
test:
	cargo test --workspace --locked
