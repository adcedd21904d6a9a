//! The types whose texts have rules of their own, by what a schema calls them.

use super::{
    id::{
        Address, AlarmName, BucketName, ClusterId, ComponentName, Day, GroupName, HostName, InstanceClass, InstanceId,
        KmsKeyId, PlanName, RdsGroup, Region, RoleArn, RoleName, Schedule, ScheduleName, SecretName, SecurityGroupId,
        SqlName, TierName, ZoneId,
    },
    time_span::TimeSpan,
    when::When,
};

/// Whether a text is a name of one type.
pub(crate) type Parse = fn(String) -> Result<(), ()>;

fn parses<T: TryFrom<String>>(text: String) -> Result<(), ()> {
    T::try_from(text).map(drop).map_err(drop)
}

/// The types whose texts have rules of their own, by their names in a schema.
pub(crate) const NAMES: [(&str, Parse); 25] = [
    ("PlanName", parses::<PlanName>),
    ("AlarmName", parses::<AlarmName>),
    ("ComponentName", parses::<ComponentName>),
    ("TierName", parses::<TierName>),
    ("GroupName", parses::<GroupName>),
    ("Day", parses::<Day>),
    ("InstanceId", parses::<InstanceId>),
    ("ClusterId", parses::<ClusterId>),
    ("BucketName", parses::<BucketName>),
    ("Region", parses::<Region>),
    ("ZoneId", parses::<ZoneId>),
    ("SecurityGroupId", parses::<SecurityGroupId>),
    ("HostName", parses::<HostName>),
    ("Address", parses::<Address>),
    ("SqlName", parses::<SqlName>),
    ("SecretName", parses::<SecretName>),
    ("ScheduleName", parses::<ScheduleName>),
    ("Schedule", parses::<Schedule>),
    ("KmsKeyId", parses::<KmsKeyId>),
    ("InstanceClass", parses::<InstanceClass>),
    ("RdsGroup", parses::<RdsGroup>),
    ("RoleName", parses::<RoleName>),
    ("RoleArn", parses::<RoleArn>),
    ("When", parses::<When>),
    ("TimeSpan", parses::<TimeSpan>),
];

/// What parses the texts of the type that a schema calls by this name.
pub(crate) fn parser(name: &str) -> Option<Parse> {
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, parse)| *parse)
}
