//! Models found on disk.

use super::LOG;
use assay_executor::{instantiations, Bundle, Options, Session};
use std::{
	collections::HashMap,
	path::{Path, PathBuf},
	sync::{Arc, Mutex, MutexGuard, PoisonError},
	time::{Duration, Instant},
};

/// Name of a model, as on chain.
pub(super) type ModelId = [u8; 32];

/// Shortest time between two looks at the folder.
const RESCAN: Duration = Duration::from_secs(3);

/// How long a bundle that failed to load is not tried again.
const RETRY: Duration = Duration::from_secs(60);

/// Most models kept ready to run.
const MAX_LOADED: usize = 16;

/// The models in a folder: those of every direct subfolder that is a bundle.
pub(super) struct ModelStore {
	dir: PathBuf,
	state: Mutex<State>,
	/// Loading happens under this lock and not the other: it may take seconds.
	loading: Mutex<()>,
}

#[derive(Default)]
struct State {
	scanned: Option<Instant>,
	found: HashMap<ModelId, PathBuf>,
	/// Ready sessions, the most recently used last.
	loaded: Vec<(ModelId, Arc<Session>)>,
	broken: HashMap<ModelId, Instant>,
}

impl ModelStore {
	/// A store over `dir`, which is made if it is missing.
	pub(super) fn open(dir: PathBuf) -> std::io::Result<Self> {
		std::fs::create_dir_all(&dir)?;
		let store = Self { dir, state: Mutex::new(State::default()), loading: Mutex::new(()) };
		store.rescan(&mut store.lock());
		Ok(store)
	}

	/// How many models are known.
	pub(super) fn len(&self) -> usize {
		self.lock().found.len()
	}

	/// Whether `model` can be run. Looks at the folder again, now and then, for a model it does
	/// not know; loads nothing.
	pub(super) fn has(&self, model: &ModelId) -> bool {
		let mut state = self.lock();
		if state.broken.get(model).is_some_and(|since| since.elapsed() < RETRY) {
			return false;
		}
		self.find(&mut state, model).is_some()
	}

	/// The model ready to run; loads and verifies it if needed, which may take seconds.
	///
	/// Errors: says why there is no such model.
	pub(super) fn session(&self, model: &ModelId) -> Result<Arc<Session>, String> {
		if let Some(session) = self.ready(model) {
			return Ok(session);
		}
		let _one_at_a_time = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
		if let Some(session) = self.ready(model) {
			return Ok(session);
		}
		let path = self
			.find(&mut self.lock(), model)
			.ok_or_else(|| format!("no model {} here", hex::encode(model)))?;
		match load(&path, model) {
			Ok(session) => {
				let mut state = self.lock();
				if state.loaded.len() >= MAX_LOADED {
					state.loaded.remove(0);
				}
				state.broken.remove(model);
				state.loaded.push((*model, session.clone()));
				Ok(session)
			},
			Err(reason) => {
				log::warn!(target: LOG, "Model in {} is not usable: {reason}", path.display());
				self.lock().broken.insert(*model, Instant::now());
				Err(reason)
			},
		}
	}

	fn lock(&self) -> MutexGuard<'_, State> {
		self.state.lock().unwrap_or_else(PoisonError::into_inner)
	}

	/// The session, if it is loaded; becomes the most recently used.
	fn ready(&self, model: &ModelId) -> Option<Arc<Session>> {
		let mut state = self.lock();
		let position = state.loaded.iter().position(|(id, _)| id == model)?;
		let entry = state.loaded.remove(position);
		let session = entry.1.clone();
		state.loaded.push(entry);
		Some(session)
	}

	fn find(&self, state: &mut State, model: &ModelId) -> Option<PathBuf> {
		if !state.found.contains_key(model)
			&& state.scanned.is_none_or(|scanned| scanned.elapsed() >= RESCAN)
		{
			self.rescan(state);
		}
		state.found.get(model).cloned()
	}

	fn rescan(&self, state: &mut State) {
		state.scanned = Some(Instant::now());
		let entries = match std::fs::read_dir(&self.dir) {
			Ok(entries) => entries,
			Err(error) => {
				log::warn!(target: LOG, "Cannot read {}: {error}", self.dir.display());
				return;
			},
		};
		let found = entries
			.filter_map(|entry| entry.ok().map(|entry| entry.path()))
			// A bundle that is still being written has a hidden name.
			.filter(|path| !hidden(path))
			.flat_map(|path| models(&path))
			.collect::<HashMap<_, _>>();
		for (id, path) in &found {
			if !state.found.contains_key(id) {
				log::info!(target: LOG, "📦 Model {} in {}", hex::encode(id), path.display());
			}
		}
		state.loaded.retain(|(id, _)| found.contains_key(id));
		state.broken.retain(|id, _| found.contains_key(id));
		state.found = found;
	}
}

fn hidden(path: &Path) -> bool {
	path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'))
}

/// The models in a folder, if it is a bundle, each with the folder to load it from.
fn models(dir: &Path) -> Vec<(ModelId, PathBuf)> {
	if !dir.join("manifest.json").is_file() {
		return Vec::new();
	}
	let found = instantiations(dir)
		.inspect_err(|error| log::warn!(target: LOG, "{} is unreadable: {error}", dir.display()));
	let found = found.unwrap_or_default().into_iter();
	found.map(|one| (one.manifest.model_id, one.dir)).collect()
}

fn load(path: &Path, model: &ModelId) -> Result<Arc<Session>, String> {
	let bundle = Bundle::load(path).map_err(|error| error.to_string())?;
	if bundle.model_id() != *model {
		return Err("the folder now holds another model".into());
	}
	// One thread for one run: several runs share the engine's threads.
	let options = Options { threads: 1, ..Options::default() };
	let session = Session::new(Arc::new(bundle), options).map_err(|error| error.to_string())?;
	Ok(Arc::new(session))
}
