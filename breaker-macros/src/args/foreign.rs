//! The names that other libraries give to the settings of a circuit breaker.

use super::key::Key;

/// The names of one setting in other libraries, without underscores and in lower case.
struct Foreign {
    names: &'static [&'static str],
    /// The keys for it, the most likely first.
    keys: &'static [Key],
}

/// From resilience4j, Polly, gobreaker, failsafe, recloser, opossum, pybreaker and Hystrix, in this order.
const FOREIGN: [Foreign; 19] = [
    Foreign {
        names: &["exceptionsallowedbeforebreaking", "readytotrip", "failmax", "maxfailures"],
        keys: &[Key::FailureThreshold, Key::FailureRate],
    },
    Foreign {
        names: &[
            "failureratethreshold",
            "failureratio",
            "failurepercentage",
            "requiredsuccessrate",
            "errorrate",
            "errorthresholdpercentage",
            "circuitbreakererrorthresholdpercentage",
        ],
        keys: &[Key::FailureRate],
    },
    Foreign {
        names: &[
            "slidingwindow",
            "slidingwindowsize",
            "slidingwindowtype",
            "samplingduration",
            "interval",
            "bucketperiod",
            "closedlen",
            "rollingcounttimeout",
        ],
        keys: &[Key::Window],
    },
    Foreign {
        names: &[
            "minimumnumberofcalls",
            "minimumthroughput",
            "minrequestthreshold",
            "minrequests",
            "volumethreshold",
            "requestvolumethreshold",
        ],
        keys: &[Key::MinimumCalls],
    },
    Foreign { names: &["slowcalldurationthreshold"], keys: &[Key::SlowCall] },
    Foreign { names: &["slowcallratethreshold"], keys: &[Key::SlowCallRate] },
    Foreign {
        names: &[
            "waitdurationinopenstate",
            "waitduration",
            "breakduration",
            "durationofbreak",
            "openwait",
            "opentimeout",
            "resettimeout",
            "sleepwindow",
            "sleepwindowinmilliseconds",
            "cooldown",
        ],
        keys: &[Key::RecoveryTimeout],
    },
    Foreign {
        names: &["waitintervalfunctioninopenstate", "breakdurationgenerator", "openwaitstrategy"],
        keys: &[Key::Backoff, Key::Jitter],
    },
    Foreign {
        names: &["permittednumberofcallsinhalfopenstate", "maxrequests"],
        keys: &[Key::HalfOpenMaxCalls, Key::SuccessThreshold],
    },
    Foreign { names: &["halfopenlen"], keys: &[Key::SuccessThreshold] },
    Foreign { names: &["maxwaitdurationinhalfopenstate"], keys: &[Key::HalfOpenTimeout] },
    Foreign {
        names: &[
            "recordexceptions",
            "recordexception",
            "recordfailurepredicate",
            "recordresult",
            "recordresultpredicate",
            "shouldhandle",
            "issuccessful",
            "failurepredicate",
            "errorpredicate",
        ],
        keys: &[Key::FailureIf],
    },
    Foreign {
        names: &["ignoreexceptions", "ignoreexception", "isexcluded", "exclude", "errorfilter"],
        keys: &[Key::IgnoreIf],
    },
    Foreign { names: &["fallbackmethod", "fallbackaction"], keys: &[Key::Fallback] },
    Foreign { names: &["timeoutduration", "executiontimeout"], keys: &[Key::CallTimeout] },
    Foreign { names: &["maxconcurrentcalls", "permitlimit", "capacity"], keys: &[Key::MaxConcurrent] },
    Foreign { names: &["maxwaitduration", "queuelimit"], keys: &[Key::MaxWait] },
    Foreign { names: &["metricsonly", "dryrun"], keys: &[Key::Mode] },
    Foreign { names: &["waitdurationinhalfopenstate"], keys: &[Key::HalfOpenTimeout] },
];

/// Returns the keys for a setting that another library calls `written`, in any case and with or without
/// underscores.
pub(super) fn keys(written: &str) -> &'static [Key] {
    let name = normalized(written);
    let known = FOREIGN.iter().find(|foreign| foreign.names.contains(&name.as_str()));
    known.map_or(&[], |foreign| foreign.keys)
}

/// Returns the name in lower case without underscores.
pub(super) fn normalized(name: &str) -> String {
    name.chars().filter(|letter| *letter != '_').flat_map(char::to_lowercase).collect()
}
