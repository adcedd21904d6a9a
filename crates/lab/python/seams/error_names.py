"""Error names of `aws-sdk:rds` and `aws-sdk:route53` tasks, and Route 53's zone ids, as on AWS."""

from ministack.services import stepfunctions

from . import symbols

# Step Functions names an error after the Java SDK's exception class, not after the wire's code.
RDS = {
    "DBInstanceAlreadyExists": "DbInstanceAlreadyExistsException",
    "DBInstanceNotFound": "DbInstanceNotFoundException",
    "DBInstanceNotFoundFault": "DbInstanceNotFoundException",
    "DBSnapshotAlreadyExists": "DbSnapshotAlreadyExistsException",
    "DBSnapshotNotFound": "DbSnapshotNotFoundException",
    "InstanceQuotaExceeded": "InstanceQuotaExceededException",
    "InvalidDBInstanceState": "InvalidDbInstanceStateException",
    "InvalidDBSnapshotState": "InvalidDbSnapshotStateException",
    "KMSKeyNotAccessibleFault": "KmsKeyNotAccessibleException",
    "PointInTimeRestoreNotEnabled": "PointInTimeRestoreNotEnabledException",
    "SnapshotQuotaExceeded": "SnapshotQuotaExceededException",
}


def fill(_settings) -> None:
    overrides = symbols.uses(stepfunctions, "_AWS_SDK_ERROR_CODE_OVERRIDES")
    overrides.setdefault("rds", {}).update(RDS)
    prefixes = symbols.uses(stepfunctions, "_AWS_SDK_ERROR_PREFIX")
    prefixes.setdefault("route53", "Route53")
