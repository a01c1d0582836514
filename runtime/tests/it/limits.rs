//! What fits in a block, and what clients find in the metadata.

use assay_runtime::{
	constants::{block, inference},
	Runtime, RuntimeCall,
};
use frame_support::{
	dispatch::{DispatchClass, GetDispatchInfo},
	BoundedVec,
};
use sp_core::H256;

fn fits(call: impl Into<RuntimeCall>) {
	let call = call.into();
	let info = call.get_dispatch_info();
	let weights = <Runtime as frame_system::Config>::BlockWeights::get();
	let max = weights.get(info.class).max_extrinsic.expect("every class has a limit");
	let weight = info.call_weight.saturating_add(info.extension_weight);
	assert!(weight.all_lte(max), "{call:?} weighs {weight}, at most {max} fits");
}

#[test]
fn largest_calls_fit_in_a_block() {
	crate::chain::genesis().execute_with(|| {
		fits(pallet_challenges::Call::prove_fault {
			job: 0,
			proof: BoundedVec::truncate_from(vec![0; assay_referee::MAX_PROOF_BYTES as usize]),
			auth: None,
		});
		fits(pallet_jobs::Call::request {
			model: H256::zero(),
			input: BoundedVec::truncate_from(vec![0; inference::MAX_INPUT_BYTES as usize]),
			fee: 0,
			operator: None,
		});
		fits(pallet_jobs::Call::deliver {
			job: 0,
			piece: 0,
			slice: assay_referee::Slice {
				start: 0,
				data: vec![0; assay_primitives::PIECE_BYTES as usize],
				siblings: vec![[0; 32]; 64],
			},
			auth: None,
		});
		fits(pallet_models::Call::register {
			program: BoundedVec::truncate_from(vec![0; inference::MAX_PROGRAM_BYTES as usize]),
			weights_root: H256::zero(),
			metadata: pallet_models::ModelMetadata {
				name: Default::default(),
				version: Default::default(),
				source_hash: H256::zero(),
				parent: None,
				licence: Default::default(),
			},
		});
	});
}

#[test]
fn the_calls_of_a_window_have_room_of_their_own() {
	let slice = || assay_referee::Slice { start: 0, data: Vec::new(), siblings: Vec::new() };
	let (job, root, auth) = (0, H256::zero(), None);
	let proof = BoundedVec::truncate_from(Vec::new());
	for call in [
		RuntimeCall::from(pallet_challenges::Call::open { job, output_root: root, auth: None }),
		pallet_challenges::Call::reveal_trace {
			job,
			trace_root: root,
			last_entry: slice(),
			auth: None,
		}
		.into(),
		pallet_challenges::Call::prove_fault { job, proof, auth }.into(),
		pallet_jobs::Call::demand { job, first: 0, pieces: 1 }.into(),
		pallet_jobs::Call::deliver { job, piece: 0, slice: slice(), auth: None }.into(),
		pallet_jobs::Call::claim { answers: Default::default(), auth: None }.into(),
	] {
		assert_eq!(call.get_dispatch_info().class, DispatchClass::Operational, "{call:?}");
	}
	let length = <Runtime as frame_system::Config>::BlockLength::get();
	let (normal, all) =
		(*length.max.get(DispatchClass::Normal), *length.max.get(DispatchClass::Operational));
	assert_eq!(all, block::MAX_LENGTH);
	assert!(all - normal > 2 * assay_referee::MAX_PROOF_BYTES);
	assert!(normal > inference::MAX_INPUT_BYTES);
}

#[test]
fn metadata_comes_in_all_versions_that_clients_read() {
	let versions = Runtime::metadata_versions();
	for version in [14, 15, 16] {
		assert!(versions.contains(&version));
		assert!(Runtime::metadata_at_version(version).is_some());
	}
}
