//! Bundles of several instantiations.

use super::models::random;
use crate::{instantiations, matching, Bundle, BundleError, BundleWriter, Instantiation};

/// The same program under the name of some size, or another one.
fn sized(seed: u64, size: u32) -> Bundle {
	let model = random(seed, 3, 4, 6);
	let mut manifest = model.bundle.manifest().clone();
	manifest.dims = [("b".to_owned(), 1), ("n".to_owned(), size)].into();
	Bundle::new(model.bundle.program().clone(), model.bundle.weights(), manifest).unwrap()
}

#[test]
fn instantiations_share_equal_weights() {
	let outer = tempfile::tempdir().unwrap();
	let dir = outer.path().join("model");
	let bundles = [sized(8, 32), sized(8, 64), sized(9, 128)];
	let mut writer = BundleWriter::new(&dir).unwrap();
	for bundle in &bundles {
		writer.add(bundle).unwrap();
	}
	let error = writer.add(&bundles[0]).unwrap_err().to_string();
	assert!(error.contains("\"1x32\""), "{error}");
	writer.finish().unwrap();
	assert_eq!(std::fs::read_dir(outer.path()).unwrap().count(), 1);
	assert_eq!(std::fs::read_dir(dir.join("weights")).unwrap().count(), 2);

	let found = instantiations(&dir).unwrap();
	assert_eq!(found.len(), 3);
	for (one, bundle) in found.iter().zip(&bundles) {
		let loaded = Bundle::load(&one.dir).unwrap();
		assert_eq!(&one.manifest, bundle.manifest());
		assert_eq!((loaded.manifest(), loaded.weights()), (bundle.manifest(), bundle.weights()));
	}
	let error = Bundle::load(&dir).unwrap_err();
	assert!(matches!(&error, BundleError::Several(names) if names == "1x32, 1x64, 1x128"));

	// A bundle of one is a bundle as ever, and replaces.
	bundles[0].write(&dir).unwrap();
	let found = instantiations(&dir).unwrap();
	assert_eq!((found.len(), &found[0].dir), (1, &dir));
	assert!(Bundle::load(&dir).is_ok());
}

#[test]
fn shared_weights_are_checked() {
	let outer = tempfile::tempdir().unwrap();
	let dir = outer.path().join("model");
	let mut writer = BundleWriter::new(&dir).unwrap();
	writer.add(&sized(8, 32)).unwrap();
	writer.finish().unwrap();
	let one = instantiations(&dir).unwrap().remove(0).dir;
	let file = std::fs::read_dir(dir.join("weights")).unwrap().next().unwrap().unwrap().path();
	let mut bytes = std::fs::read(&file).unwrap();
	bytes[0] ^= 1;
	std::fs::write(&file, bytes).unwrap();
	assert!(matches!(Bundle::load(&one), Err(BundleError::Mismatch("weights_root"))));
	std::fs::remove_file(&file).unwrap();
	assert!(matches!(Bundle::load(&one), Err(BundleError::Io { .. })));
}

#[test]
fn names_lead_nowhere_else() {
	let dir = tempfile::tempdir().unwrap();
	for names in
		[r#"["../1"]"#, r#"["/1"]"#, r#"[""]"#, r#"["1","1"]"#, r#"["."]"#, r#"[1]"#, "3", "[]"]
	{
		let json = format!("{{\"instantiations\": {names}}}");
		std::fs::write(dir.path().join("manifest.json"), json).unwrap();
		let error = instantiations(dir.path()).unwrap_err();
		let refused = matches!(error, BundleError::Instantiation(_) | BundleError::Manifest(_));
		assert!(refused, "{names}: {error}");
	}
	let many: Vec<String> = (0..65).map(|i| i.to_string()).collect();
	let json = serde_json::json!({ "instantiations": many }).to_string();
	std::fs::write(dir.path().join("manifest.json"), json).unwrap();
	let error = instantiations(dir.path()).unwrap_err();
	assert!(matches!(error, BundleError::TooManyInstantiations { found: 65, .. }), "{error}");
}

#[test]
fn an_instantiation_is_chosen_by_its_inputs() {
	let shaped = |rows: u32| {
		let mut manifest = sized(8, rows).manifest().clone();
		manifest.inputs[0].shape = vec![rows, 6];
		let mut second = manifest.inputs[0].clone();
		second.name = "mask".into();
		manifest.inputs.push(second);
		Instantiation { dir: rows.to_string().into(), manifest }
	};
	let all = [shaped(32), shaped(64)];
	let chosen = |given: &[(&str, &[u32])]| {
		matching(&all, given.iter().copied()).map(|one| one.dir.display().to_string())
	};
	assert_eq!(chosen(&[("input0", &[64, 6]), ("mask", &[64, 6])]).as_deref(), Some("64"));
	assert_eq!(chosen(&[("mask", &[32, 6]), ("input0", &[32, 6])]).as_deref(), Some("32"));
	assert_eq!(chosen(&[("mask", &[32, 6]), ("input0", &[64, 6])]), None);
	assert_eq!(chosen(&[("mask", &[32, 6]), ("mask", &[32, 6])]), None);
	assert_eq!(chosen(&[("mask", &[32, 6])]), None);
	assert_eq!(chosen(&[("input0", &[16, 6]), ("mask", &[16, 6])]), None);
}

/// A mistyped name must not cost anybody a folder.
#[test]
fn only_bundles_are_replaced() {
	let outer = tempfile::tempdir().unwrap();
	let at = |name: &str| outer.path().join(name);
	let bundle = sized(8, 32);
	bundle.write(at("one")).unwrap();
	let mut several = BundleWriter::new(at("several")).unwrap();
	several.add(&bundle).unwrap();
	several.finish().unwrap();
	std::fs::create_dir(at("empty")).unwrap();
	for name in ["one", "several", "empty", "new"] {
		bundle.write(at(name)).unwrap();
		bundle.write(at(name)).unwrap();
		assert!(Bundle::load(at(name)).is_ok(), "{name}");
	}
	std::fs::create_dir_all(at("mine/folder")).unwrap();
	std::fs::write(at("mine/net.onnx"), "precious").unwrap();
	std::fs::write(at("file"), "precious").unwrap();
	std::fs::write(at("one/notes.txt"), "precious").unwrap();
	#[cfg(unix)]
	std::os::unix::fs::symlink(at("new"), at("link")).unwrap();
	for name in ["mine", "file", "one", "link"] {
		let error = bundle.write(at(name)).err();
		let Some(BundleError::Io { source, .. }) = error else {
			assert!(cfg!(not(unix)) && name == "link", "{name} was replaced");
			continue;
		};
		assert_eq!(source.kind(), std::io::ErrorKind::AlreadyExists, "{name}");
		assert!(BundleWriter::new(at(name)).is_err());
	}
	assert_eq!(std::fs::read(at("mine/net.onnx")).unwrap(), b"precious");
	assert_eq!(std::fs::read(at("file")).unwrap(), b"precious");
	assert_eq!(std::fs::read(at("one/notes.txt")).unwrap(), b"precious");
	let left = std::fs::read_dir(outer.path()).unwrap();
	let hidden = left.filter(|entry| {
		entry.as_ref().is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with('.'))
	});
	assert_eq!(hidden.count(), 0, "nothing is left behind");
}
