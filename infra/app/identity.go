package app

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscognito"
	"github.com/aws/jsii-runtime-go"
)

// The attribute that says for which tenant a user acts, and the claim that it
// becomes in a token. It is set when an administrator creates the user, and
// nobody can change it afterwards.
const (
	tenantAttribute = "tenant"
	tenantClaim     = "custom:" + tenantAttribute
)

type identity struct {
	users  awscognito.UserPool
	client awscognito.UserPoolClient
}

func newIdentity(s *stack) identity {
	users := awscognito.NewUserPool(s.Stack, jsii.String("Users"), &awscognito.UserPoolProps{
		SelfSignUpEnabled: jsii.Bool(false),
		SignInAliases:     &awscognito.SignInAliases{Email: jsii.Bool(true)},
		CustomAttributes: &map[string]awscognito.ICustomAttribute{
			tenantAttribute: awscognito.NewStringAttribute(&awscognito.StringAttributeProps{
				Mutable: jsii.Bool(false),
				MinLen:  jsii.Number(1),
				MaxLen:  jsii.Number(64),
			}),
		},
		PasswordPolicy: &awscognito.PasswordPolicy{
			MinLength:            jsii.Number(12),
			TempPasswordValidity: awscdk.Duration_Days(jsii.Number(3)),
		},
		// Text messages cost money and trust in the network.
		Mfa:             awscognito.Mfa_OPTIONAL,
		MfaSecondFactor: &awscognito.MfaSecondFactor{Otp: jsii.Bool(true), Sms: jsii.Bool(false)},
		AccountRecovery: awscognito.AccountRecovery_EMAIL_ONLY,
		// The plan without extra charges for features that nothing here uses.
		FeaturePlan:        awscognito.FeaturePlan_LITE,
		DeletionProtection: jsii.Bool(s.env.DeletionProtection),
		RemovalPolicy:      s.env.RemovalPolicy,
	})
	client := awscognito.NewUserPoolClient(s.Stack, jsii.String("Client"), &awscognito.UserPoolClientProps{
		UserPool:                   users,
		AuthFlows:                  &awscognito.AuthFlow{UserSrp: jsii.Bool(true), AdminUserPassword: jsii.Bool(true)},
		DisableOAuth:               jsii.Bool(true),
		PreventUserExistenceErrors: jsii.Bool(true),
		EnableTokenRevocation:      jsii.Bool(true),
		AccessTokenValidity:        awscdk.Duration_Hours(jsii.Number(1)),
		IdTokenValidity:            awscdk.Duration_Hours(jsii.Number(1)),
		RefreshTokenValidity:       awscdk.Duration_Days(jsii.Number(1)),
		ReadAttributes: awscognito.NewClientAttributes().
			WithStandardAttributes(&awscognito.StandardAttributesMask{Email: jsii.Bool(true)}).
			WithCustomAttributes(jsii.String(tenantAttribute)),
		// Without a list a client may write everything, the tenant included.
		WriteAttributes: awscognito.NewClientAttributes().
			WithStandardAttributes(&awscognito.StandardAttributesMask{Fullname: jsii.Bool(true)}),
	})
	return identity{users: users, client: client}
}
