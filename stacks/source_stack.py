"""The stack of what the functions read."""

from aws_cdk import CfnOutput, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_s3 as s3
from constructs import Construct

from facts.names import PROJECT
from facts.sources import KEY_ATTRIBUTE
from stacks.reviewed import BUCKET, TABLE, reviewed
from stacks.settings import ApplicationSettings


class SourceStack(Stack):
    """The table, and the bucket where the source is S3.

    `lab deploy` makes parameters and secrets when it seeds them. Every source has the table, since CloudFormation takes
    no empty stack, and an empty on-demand table costs nothing.
    """

    def __init__(self, scope: Construct, *, settings: ApplicationSettings) -> None:
        super().__init__(
            scope,
            settings.names.source_stack,
            description="Lambda Cache Lab: what the cached functions read.",
            tags={"project": PROJECT},
        )
        # Every run seeds the items again, so nothing is worth a backup, or worth keeping after a destroy.
        table = dynamodb.Table(
            self,
            "Items",
            table_name=settings.names.table,
            partition_key=dynamodb.Attribute(name=KEY_ATTRIBUTE, type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            # A key that DynamoDB owns: it costs nothing, and no call to KMS is part of what is measured.
            encryption=dynamodb.TableEncryption.DEFAULT,
            removal_policy=RemovalPolicy.DESTROY,
        )
        reviewed(table, TABLE)
        CfnOutput(self, "TableName", value=table.table_name)
        if settings.source == "s3":
            # Without auto_delete_objects: its custom resource is a Node function, which the local endpoint cannot
            # run. `lab destroy` empties the bucket first.
            bucket = s3.Bucket(
                self,
                "Objects",
                bucket_name=settings.names.items_bucket(account=self.account, region=self.region),
                block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
                encryption=s3.BucketEncryption.S3_MANAGED,
                enforce_ssl=True,
                removal_policy=RemovalPolicy.DESTROY,
            )
            reviewed(bucket, BUCKET)
            CfnOutput(self, "BucketName", value=bucket.bucket_name)
