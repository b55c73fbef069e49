"""A local AWS that says no when AWS would: S3, IAM, STS and S3 Access Grants behind one address.

The front verifies every signature, decides with `grants.evaluator`, answers IAM, STS and S3 Control itself and passes
S3 on to SeaweedFS, which judges once more. Nothing here is imported by the product itself.
"""
