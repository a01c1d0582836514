//! Execution of blocks depends on nothing outside the chain, least of all on an engine.

use crate::chain::{input, Chain};
use assay_host::{Class, Engine, EngineExt, Note, Poll, RequestId, Roles, Status, Submission};
use assay_runtime::Executive;

/// Panics whatever it is asked: on-chain code must never get here.
struct Panicking;

impl Engine for Panicking {
	fn submit(&mut self, _: RequestId, _: Submission) -> Status {
		panic!("submit on chain")
	}
	fn poll(&mut self, _: &RequestId, _: Class, _: u64) -> Poll {
		panic!("poll on chain")
	}
	fn models(&mut self) -> Vec<[u8; 32]> {
		panic!("models on chain")
	}
	fn run_micros(&mut self, _: &[u8; 32]) -> Option<u64> {
		panic!("run_micros on chain")
	}
	fn backlog_micros(&mut self, _: Class) -> u64 {
		panic!("backlog_micros on chain")
	}
	fn acts_for(&mut self, _: &[u8]) -> bool {
		panic!("acts_for on chain")
	}
	fn has_model(&mut self, _: &[u8; 32]) -> bool {
		panic!("has_model on chain")
	}
	fn build(&mut self) -> u64 {
		panic!("build on chain")
	}
	fn roles(&mut self) -> Roles {
		panic!("roles on chain")
	}
	fn note(&mut self, _: Note, _: u64) {
		panic!("note on chain")
	}
}

#[test]
fn blocks_execute_the_same_with_and_without_an_engine() {
	let mut author = Chain::with_operator();
	let job = author.request();
	let (accept, claim) = (author.accept(job), author.claim(job, input()));
	author.ok_block(vec![accept]);
	author.ok_block(vec![claim]);
	// Up to the payment, and through a change of epoch.
	author.run_to(author.number() + 25);

	for engine in [false, true] {
		let mut importer = Chain::at_genesis();
		if engine {
			importer.ext.register_extension(EngineExt(Box::new(Panicking)));
		}
		for block in &author.blocks {
			// Panics unless the state root is the author's.
			importer.import(block.clone());
		}
		assert_eq!(importer.parent(), author.parent());
	}
}

#[test]
fn worker_without_an_engine_does_nothing() {
	let mut chain = Chain::with_operator();
	let block = chain.ok_block(Vec::new());
	// No keystore, no pool and no engine are registered: touching one would panic.
	chain.ext.execute_with(|| Executive::offchain_worker(&block.header));
}
