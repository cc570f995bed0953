//! The configurations to compare.

use std::{fs, path::Path};

use breaker_core::Checked;
use breaker_layer::{Config, ConfigError, Settings, presets};

use crate::cli::{Arguments, Preset};

/// A configuration, and what it is called.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) config: Checked,
}

/// Those that the user asked for, or the default. A file is called by its name without the extension, or by its path where
/// another is called so.
///
/// # Errors
///
/// Names the file that cannot be read, and what is wrong in it.
pub(crate) fn all(arguments: &Arguments) -> Result<Vec<Named>, String> {
    let mut all = vec![];
    for preset in &arguments.preset {
        all.push(of_preset(*preset).map_err(|error| error.to_string())?);
    }
    for path in &arguments.config {
        let named = of_file(path).map_err(|error| format!("{}: {error}", path.display()))?;
        all.push(named);
    }
    let names: Vec<_> = all.iter().map(|named| named.name.clone()).collect();
    for (named, path) in all[arguments.preset.len()..]
        .iter_mut()
        .zip(&arguments.config)
    {
        if names.iter().filter(|name| **name == named.name).count() > 1 {
            named.name = path.display().to_string();
        }
    }
    if all.is_empty() {
        all.push(of_preset(Preset::Default).map_err(|error| error.to_string())?);
    }
    Ok(all)
}

fn of_preset(preset: Preset) -> Result<Named, ConfigError> {
    let (name, config) = match preset {
        Preset::Default => ("default", Config::new()),
        Preset::Resilience4j => ("resilience4j", presets::resilience4j()),
        Preset::Polly => ("Polly", presets::polly()),
        Preset::Gobreaker => ("gobreaker", presets::gobreaker()),
        Preset::Linkerd => ("linkerd", presets::linkerd()),
    };
    Ok(Named {
        name: name.to_owned(),
        config: config.build()?,
    })
}

fn of_file(path: &Path) -> Result<Named, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let is_json = path
        .extension()
        .is_some_and(|extension| extension == "json");
    let settings: Settings = if is_json {
        serde_json::from_str(&text).map_err(|error| error.to_string())?
    } else {
        toml::from_str(&text).map_err(|error| error.to_string())?
    };
    let stem = path.file_stem().unwrap_or(path.as_os_str());
    Ok(Named {
        name: stem.to_string_lossy().into_owned(),
        config: of_settings(&settings).map_err(|error| error.to_string())?,
    })
}

pub(crate) fn of_settings(settings: &Settings) -> Result<Checked, ConfigError> {
    settings.config().build()
}
