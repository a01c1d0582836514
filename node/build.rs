//! Records the version and the commit that the binary is built from.

fn main() {
	substrate_build_script_utils::generate_cargo_keys();
}
