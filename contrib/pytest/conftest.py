pytest_plugins = ['pytest_drystone']
