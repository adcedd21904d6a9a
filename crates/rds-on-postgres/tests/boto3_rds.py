"""Drives the lab's RDS with boto3, waiters and paginators included.

    boto3_rds.py ENDPOINT_URL
"""

import sys
import unittest

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

PRIMARY, RECOVERY = "eu-central-1", "eu-west-1"
WAIT = {"Delay": 1, "MaxAttempts": 30}


def client(region):
    return boto3.client(
        "rds",
        region_name=region,
        endpoint_url=ENDPOINT,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )


def available(rds, instance):
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=instance, WaiterConfig=WAIT)
    return rds.describe_db_instances(DBInstanceIdentifier=instance)["DBInstances"][0]


class Rds(unittest.TestCase):
    def refused(self, code, status, call, **parameters):
        with self.assertRaises(ClientError) as caught:
            call(**parameters)
        answer = caught.exception.response
        self.assertEqual(answer["Error"]["Code"], code)
        self.assertEqual(answer["ResponseMetadata"]["HTTPStatusCode"], status)

    def test_an_instance_from_its_creation_to_its_removal(self):
        here, there = client(PRIMARY), client(RECOVERY)
        made = here.create_db_instance(
            DBInstanceIdentifier="orders",
            DBInstanceClass="db.t4g.micro",
            Engine="postgres",
            MasterUsername="app",
            MasterUserPassword="correct-horse",
            DBName="orders",
            AllocatedStorage=20,
            StorageEncrypted=True,
            VpcSecurityGroupIds=["sg-1", "sg-2"],
            Tags=[{"Key": "system", "Value": "<shop>"}],
        )["DBInstance"]
        self.assertEqual(made["DBInstanceStatus"], "creating")
        self.assertNotIn("Endpoint", made)
        orders = available(here, "orders")
        self.assertEqual(orders["Endpoint"]["Address"], f"orders.{PRIMARY}.rds.lifeboat.test")
        self.assertEqual([g["VpcSecurityGroupId"] for g in orders["VpcSecurityGroups"]], ["sg-1", "sg-2"])
        self.assertEqual(orders["DbiResourceId"], made["DbiResourceId"])

        self.tags(here, orders["DBInstanceArn"])
        self.replica(here, there, orders["DBInstanceArn"])
        self.snapshots(here, there)
        here.delete_db_instance(DBInstanceIdentifier="orders", SkipFinalSnapshot=True)
        here.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier="orders", WaiterConfig=WAIT)

    def tags(self, rds, arn):
        rds.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "tier", "Value": "1"}])
        rds.remove_tags_from_resource(ResourceName=arn, TagKeys=["system"])
        self.assertEqual(rds.list_tags_for_resource(ResourceName=arn)["TagList"], [{"Key": "tier", "Value": "1"}])
        self.refused("DBInstanceNotFound", 404, rds.list_tags_for_resource, ResourceName=arn + "x")
        self.refused("InvalidParameterValue", 400, rds.list_tags_for_resource, ResourceName="orders")

    def replica(self, here, there, source):
        parameters = {"DBInstanceIdentifier": "copy", "SourceDBInstanceIdentifier": source, "SourceRegion": PRIMARY}
        # The source is encrypted, and its key is of no use in another Region.
        self.refused(
            "InvalidParameterCombination", 400, there.create_db_instance_read_replica, **parameters
        )
        self.refused(
            "KMSKeyNotAccessibleFault",
            400,
            there.create_db_instance_read_replica,
            KmsKeyId=f"arn:aws:kms:{PRIMARY}:000000000000:key/k",
            **parameters,
        )
        there.create_db_instance_read_replica(
            KmsKeyId=f"arn:aws:kms:{RECOVERY}:000000000000:key/k", **parameters
        )
        replica = available(there, "copy")
        self.assertEqual(replica["ReadReplicaSourceDBInstanceIdentifier"], source)
        self.assertEqual(replica["BackupRetentionPeriod"], 0)
        self.assertTrue(replica["StatusInfos"][0]["Normal"])
        orders = here.describe_db_instances(DBInstanceIdentifier="orders")["DBInstances"][0]
        self.assertEqual(orders["ReadReplicaDBInstanceIdentifiers"], [replica["DBInstanceArn"]])
        self.refused("InvalidDBInstanceState", 400, here.stop_db_instance, DBInstanceIdentifier="orders")
        there.promote_read_replica(DBInstanceIdentifier="copy")
        promoted = available(there, "copy")
        self.assertNotIn("ReadReplicaSourceDBInstanceIdentifier", promoted)
        self.refused("InvalidDBInstanceState", 400, there.promote_read_replica, DBInstanceIdentifier="copy")
        there.delete_db_instance(DBInstanceIdentifier="copy", SkipFinalSnapshot=True)

    def snapshots(self, here, there):
        for number in range(21):
            if number == 0:
                here.create_db_snapshot(DBInstanceIdentifier="orders", DBSnapshotIdentifier="s-00")
                here.get_waiter("db_snapshot_available").wait(DBSnapshotIdentifier="s-00", WaiterConfig=WAIT)
            else:
                here.copy_db_snapshot(
                    SourceDBSnapshotIdentifier="s-00", TargetDBSnapshotIdentifier=f"s-{number:02}"
                )
        self.refused(
            "DBSnapshotAlreadyExists",
            400,
            here.copy_db_snapshot,
            SourceDBSnapshotIdentifier="s-00",
            TargetDBSnapshotIdentifier="s-01",
        )
        pages = list(
            here.get_paginator("describe_db_snapshots").paginate(
                SnapshotType="manual", PaginationConfig={"PageSize": 20}
            )
        )
        self.assertEqual([len(page["DBSnapshots"]) for page in pages], [20, 1])
        snapshot = pages[0]["DBSnapshots"][0]
        self.assertTrue(snapshot["Encrypted"])
        self.refused(
            "InvalidParameterCombination",
            400,
            there.copy_db_snapshot,
            SourceDBSnapshotIdentifier=snapshot["DBSnapshotArn"],
            TargetDBSnapshotIdentifier="there",
            SourceRegion=PRIMARY,
        )
        here.get_waiter("db_snapshot_completed").wait(DBSnapshotIdentifier="s-20", WaiterConfig=WAIT)
        automated = here.describe_db_snapshots(SnapshotType="automated")["DBSnapshots"]
        self.assertEqual(len(automated), 1)
        self.refused(
            "InvalidDBSnapshotState",
            400,
            here.delete_db_snapshot,
            DBSnapshotIdentifier=automated[0]["DBSnapshotIdentifier"],
        )


if __name__ == "__main__":
    ENDPOINT = sys.argv.pop(1)
    unittest.main()
