//! Requests of the AWS Query protocol: an action and its parameters, as a form.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::fault::{Code, Fault};
use crate::resources::tags::{TAGS_AT_MOST, Tags};

/// More parameters than the longest request AWS's limits allow (50 tags are 100 of them).
const PARAMETERS_AT_MOST: usize = 1000;

/// A filter of a listing: its name, and the values of which one must match.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Filter<'q> {
    pub(crate) name: &'q str,
    pub(crate) values: Vec<&'q str>,
}

/// One request's parameters. An empty value counts as absent, as the SDKs mean it, except in tags.
#[derive(Debug)]
pub(crate) struct Query(BTreeMap<String, String>);

impl Query {
    /// Reads a form. A parameter given twice is refused rather than one of them chosen.
    pub(crate) fn parse(form: &[u8]) -> Result<Self, Fault> {
        let mut parameters = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(form) {
            let malformed = |why: &str| Fault::new(Code::MalformedQueryString, format!("{name}: {why}."));
            if parameters.len() == PARAMETERS_AT_MOST {
                return Err(malformed("too many parameters; 1000 are accepted"));
            }
            if parameters.insert(name.to_string(), value.into_owned()).is_some() {
                return Err(malformed("the parameter is given twice"));
            }
        }
        Ok(Self(parameters))
    }

    pub(crate) fn action(&self) -> Result<&str, Fault> {
        self.optional("Action")
            .ok_or_else(|| Fault::new(Code::MissingAction, "The request must contain the parameter Action."))
    }

    pub(crate) fn optional(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(crate) fn required(&self, name: &str) -> Result<&str, Fault> {
        self.optional(name).ok_or_else(|| {
            Fault::new(Code::MissingParameter, format!("The request must contain the parameter {name}."))
        })
    }

    pub(crate) fn boolean(&self, name: &str) -> Result<Option<bool>, Fault> {
        match self.optional(name) {
            None => Ok(None),
            Some(value) if value.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(value) if value.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(value) => Err(Fault::value(name, value, "true or false")),
        }
    }

    pub(crate) fn number(&self, name: &str, accepted: RangeInclusive<u32>) -> Result<Option<u32>, Fault> {
        let Some(value) = self.optional(name) else { return Ok(None) };
        match value.parse() {
            Ok(number) if accepted.contains(&number) => Ok(Some(number)),
            Ok(_) | Err(_) => {
                let (low, high) = accepted.into_inner();
                Err(Fault::value(name, value, &format!("a number from {low} to {high}")))
            }
        }
    }

    /// The list `name`, whose members are named `member` in AWS's model, or just `member`.
    pub(crate) fn list(&self, name: &str, member: &str) -> Vec<&str> {
        let numbered = |kind: &str| -> Vec<&str> {
            (1..=PARAMETERS_AT_MOST).map_while(|n| self.optional(&format!("{name}.{kind}.{n}"))).collect()
        };
        let named = numbered(member);
        if named.is_empty() { numbered("member") } else { named }
    }

    pub(crate) fn tags(&self) -> Result<Tags, Fault> {
        let mut tags = Tags::new();
        for kind in ["Tag", "member"] {
            for number in 1..=PARAMETERS_AT_MOST {
                let Some(key) = self.0.get(&format!("Tags.{kind}.{number}.Key")) else { break };
                if key.is_empty() || key.chars().count() > 128 {
                    return Err(Fault::value("Tags", key, "1 to 128 characters long in each key"));
                }
                if key.to_ascii_lowercase().starts_with("aws:") {
                    return Err(Fault::value("Tags", key, "a key that does not begin with aws:"));
                }
                let value = self.0.get(&format!("Tags.{kind}.{number}.Value")).cloned().unwrap_or_default();
                if value.chars().count() > 256 {
                    return Err(Fault::value("Tags", key, "at most 256 characters long in each value"));
                }
                tags.insert(key.clone(), value);
            }
        }
        if tags.len() > TAGS_AT_MOST {
            return Err(Fault::value("Tags", tags.len(), "at most 50 tags"));
        }
        Ok(tags)
    }

    pub(crate) fn filters(&self) -> Result<Vec<Filter<'_>>, Fault> {
        let mut filters = Vec::new();
        for number in 1..=PARAMETERS_AT_MOST {
            let prefix = ["Filters.Filter", "Filters.member"]
                .map(|list| format!("{list}.{number}"))
                .into_iter()
                .find(|prefix| self.optional(&format!("{prefix}.Name")).is_some());
            let Some(prefix) = prefix else { break };
            let name = self.required(&format!("{prefix}.Name"))?;
            let values = self.list(&format!("{prefix}.Values"), "Value");
            if values.is_empty() {
                return Err(Fault::value("Filters", name, "followed by at least one value"));
            }
            filters.push(Filter { name, values });
        }
        Ok(filters)
    }

    /// Refuses parameters that the action does not serve: to accept them without effect would let
    /// something pass here that does otherwise on AWS.
    pub(crate) fn serve_only(&self, served: &[&str]) -> Result<(), Fault> {
        let family = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
        let unserved = self
            .0
            .keys()
            .map(|name| family(name))
            .find(|family| !matches!(family.as_str(), "Action" | "Version") && !served.contains(&family.as_str()));
        match unserved {
            None => Ok(()),
            Some(name) => Err(Fault::new(
                Code::InvalidParameterValue,
                format!("The parameter {name} is not served by the lab; leave it out, or try it on AWS."),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(form: &str) -> Query {
        Query::parse(form.as_bytes()).unwrap()
    }

    #[test]
    fn lists_are_read_by_their_member_name_and_by_the_plain_one() {
        let asked = query("Ids.VpcSecurityGroupId.1=sg-1&Ids.VpcSecurityGroupId.2=sg-2&Keys.member.1=a");
        assert_eq!(asked.list("Ids", "VpcSecurityGroupId"), ["sg-1", "sg-2"]);
        assert_eq!(asked.list("Keys", "Key"), ["a"]);
        assert!(asked.list("Others", "Other").is_empty());
    }

    #[test]
    fn a_parameter_given_twice_is_refused() {
        assert_eq!(Query::parse(b"Port=1&Port=2").unwrap_err().code, Code::MalformedQueryString);
    }

    #[test]
    fn a_number_is_accepted_at_its_limits_and_refused_beyond() {
        for (value, accepted) in [("0", true), ("35", true), ("36", false), ("-1", false), ("x", false)] {
            let read = query(&format!("Days={value}")).number("Days", 0..=35);
            assert_eq!(read.is_ok(), accepted, "{value}");
        }
    }

    #[test]
    fn filters_carry_their_values() {
        let asked = query(
            "Filters.Filter.1.Name=db-instance-id&Filters.Filter.1.Values.Value.1=a&Filters.Filter.1.Values.Value.2=b",
        );
        assert_eq!(asked.filters().unwrap(), [Filter { name: "db-instance-id", values: vec!["a", "b"] }]);
    }

    #[test]
    fn tags_may_be_empty_but_their_keys_may_not() {
        assert_eq!(query("Tags.Tag.1.Key=a&Tags.Tag.1.Value=").tags().unwrap()["a"], "");
        assert!(query("Tags.Tag.1.Key=&Tags.Tag.1.Value=b").tags().is_err());
        assert!(query("Tags.Tag.1.Key=aws:x").tags().is_err());
    }

    #[test]
    fn an_unserved_parameter_is_named() {
        let asked = query("Action=X&Version=1&Tags.Tag.1.Key=a&Iops=3");
        assert!(asked.serve_only(&["Tags", "Iops"]).is_ok());
        assert!(asked.serve_only(&["Tags"]).unwrap_err().message.contains("Iops"));
    }
}
