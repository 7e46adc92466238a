//! The tests' Python environment with the packages of `tests/requirements.txt`.

use std::path::{Path, PathBuf};

/// Returns the path of its interpreter.
pub fn python() -> PathBuf {
    let made_by_script = Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache/venv/bin/python");
    let python = std::env::var_os("SDK_PYTHON").map_or(made_by_script, PathBuf::from);
    assert!(
        python.exists(),
        "{} does not exist: run scripts/python-env.sh, or set SDK_PYTHON to a Python with tests/requirements.txt",
        python.display()
    );
    python
}
