//! `Serialize` for the reports of candidates: their fields, with times in seconds and settings as in files.

use ::serde::ser::SerializeStruct as _;
use ::serde::{Serialize, Serializer};

use super::serde::seconds;
use crate::shadow::{CandidateReport, SettingComparison, ShadowSide};

impl Serialize for CandidateReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Without `..`, so that compilation fails if a field is missing here.
        let Self {
            circuit,
            candidate,
            running_for,
            successes,
            failures,
            ignored,
            unseen,
            spared_failures,
            lost_successes,
            live,
            shadow,
            settings,
        } = self;
        let mut fields = serializer.serialize_struct("CandidateReport", 12)?;
        fields.serialize_field("circuit", circuit)?;
        fields.serialize_field("candidate", candidate)?;
        fields.serialize_field("running_for", &seconds(*running_for))?;
        fields.serialize_field("successes", successes)?;
        fields.serialize_field("failures", failures)?;
        fields.serialize_field("ignored", ignored)?;
        fields.serialize_field("unseen", unseen)?;
        fields.serialize_field("spared_failures", spared_failures)?;
        fields.serialize_field("lost_successes", lost_successes)?;
        fields.serialize_field("live", live)?;
        fields.serialize_field("shadow", shadow)?;
        fields.serialize_field("settings", settings)?;
        fields.end()
    }
}

impl Serialize for ShadowSide {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { state, opened, closed, time_open, rejected } = self;
        let mut fields = serializer.serialize_struct("ShadowSide", 5)?;
        fields.serialize_field("state", state)?;
        fields.serialize_field("opened", opened)?;
        fields.serialize_field("closed", closed)?;
        fields.serialize_field("time_open", &seconds(*time_open))?;
        fields.serialize_field("rejected", rejected)?;
        fields.end()
    }
}

impl Serialize for SettingComparison {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { setting, live, shadow } = self;
        let mut fields = serializer.serialize_struct("SettingComparison", 3)?;
        fields.serialize_field("setting", setting)?;
        fields.serialize_field("live", live)?;
        fields.serialize_field("shadow", shadow)?;
        fields.end()
    }
}
