//! The names that ordinary wallets and explorers use: they find them in the metadata, and whatever
//! is written against them breaks when one goes away.

use crate::chain::{input, model, Chain, REQUESTER};
use assay_runtime::{constants::SS58_PREFIX, Jobs, Models, Runtime, System};
use codec::Decode;
use frame_support::{traits::PalletInfoAccess, BoundedVec};
use scale_info::{form::MetaForm, Field, TypeDef, TypeInfo, Variant};

/// A variant of a call or event type.
fn variant<T: TypeInfo>(name: &str) -> Variant<MetaForm> {
	let TypeDef::Variant(all) = T::type_info().type_def else { panic!("it is an enum") };
	let found = all.variants.into_iter().find(|variant| variant.name == name);
	found.unwrap_or_else(|| panic!("there is no {name}"))
}

fn names(fields: &[Field<MetaForm>]) -> Vec<&'static str> {
	fields.iter().map(|field| field.name.expect("fields have names")).collect()
}

/// The fields of a record.
fn record<T: TypeInfo>() -> Vec<&'static str> {
	let TypeDef::Composite(record) = T::type_info().type_def else { panic!("it is a record") };
	names(&record.fields)
}

/// An amount among the jobs pallet's constants.
fn balance(name: &str) -> u128 {
	let constants = Jobs::pallet_constants_metadata();
	let constant = constants.into_iter().find(|constant| constant.name == name);
	let constant = constant.unwrap_or_else(|| panic!("there is no constant {name}"));
	u128::decode(&mut &constant.value[..]).expect("it is an amount")
}

#[test]
fn calls_keep_their_names_and_arguments() {
	let request = variant::<pallet_jobs::Call<Runtime>>("request");
	assert_eq!(names(&request.fields), ["model", "input", "fee", "operator"]);
	assert_eq!(request.index, 0);
	let transfer = variant::<pallet_balances::Call<Runtime>>("transfer_keep_alive");
	assert_eq!(names(&transfer.fields), ["dest", "value"]);
}

#[test]
fn events_keep_their_names_and_what_wallets_show() {
	let fields = |name| names(&variant::<pallet_jobs::Event<Runtime>>(name).fields);
	let has = |name, wanted: &[&str]| {
		let fields = fields(name);
		wanted.iter().for_each(|field| assert!(fields.contains(field), "{name}.{field}"));
	};
	has("Requested", &["job", "requester", "model", "input_root", "fee", "designated", "expires"]);
	has("Claimed", &["job", "operator", "output_root", "window_end"]);
	has("Finalized", &["job", "operator", "output_root", "paid"]);
}

#[test]
fn storage_keeps_its_names() {
	assert_eq!((Models::name(), Jobs::name()), ("Models", "Jobs"));
	let storage = Models::storage_metadata();
	for name in ["Models", "Metadata"] {
		assert!(storage.entries.iter().any(|entry| entry.name == name), "Models.{name}");
	}
	assert!(record::<pallet_models::ModelRecordOf<Runtime>>().contains(&"info"));
	for name in ["input_len", "output_len", "units", "active"] {
		assert!(record::<assay_primitives::models::ModelInfo>().contains(&name), "info.{name}");
	}
	for name in ["name", "version", "licence"] {
		assert!(record::<pallet_models::ModelMetadata>().contains(&name), "metadata.{name}");
	}
}

#[test]
fn least_fee_follows_from_constants() {
	let mut chain = Chain::with_operator();
	let units = chain.ext.execute_with(|| {
		let record = pallet_models::Models::<Runtime>::get(model()).expect("it is registered");
		assert!(pallet_models::Metadata::<Runtime>::contains_key(model()));
		record.info.units
	});
	let least = balance("FeeBase") + balance("FeePerUnit") * u128::from(units);
	for (fee, enough) in [(least - 1, false), (least, true)] {
		let request = pallet_jobs::Call::request {
			model: model(),
			input: BoundedVec::truncate_from(input()),
			fee,
			operator: None,
		};
		let transaction = chain.signed(REQUESTER, 0, request);
		let (_, results) = chain.block(vec![transaction]);
		let result = results[0].expect("the transaction is valid");
		assert_eq!(result.is_ok(), enough, "{result:?}");
	}
}

#[test]
fn wallets_read_the_address_format_from_the_metadata() {
	let constants = System::pallet_constants_metadata();
	let prefix = constants.into_iter().find(|constant| constant.name == "SS58Prefix");
	let prefix = prefix.expect("it is a constant").value;
	assert_eq!(u16::decode(&mut &prefix[..]), Ok(SS58_PREFIX));
}
